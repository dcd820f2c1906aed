/**
 * The reason of a failure, and what to do where a standby ended the dump to go on replaying changes, which the
 * server's own words do not say.
 */
export function explainDumpFailure(reason: string, standby: boolean): string {
  // Where our session is ended, pg_dump finds the snapshot gone that it was to read.
  if (!standby || !/conflict with recovery|invalid snapshot identifier/.test(reason)) return reason;
  return `${reason}; the standby ended it to go on replaying changes: set hot_standby_feedback = on there, or max_standby_streaming_delay (max_standby_archive_delay) longer than a dump takes`;
}
