/** A shell command that runs SQL on a guest's own cluster as its administrator, and writes bare values. */
export function psql(sql: string): string {
  return `runuser -u postgres -- psql --no-psqlrc -v ON_ERROR_STOP=1 -qtAc "${sql}"`;
}
