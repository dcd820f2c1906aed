import { deletePermissions, type Permission, type S3Request } from "./actions.ts";
import { escapeXml, unescapeXml } from "./errors.ts";

interface Item {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** A list of objects to delete without those that the caller may not. */
export interface DeleteList {
  /** Undefined where nothing is left. */
  readonly document: string | undefined;
  readonly denied: readonly Item[];
}

/** The items of a multi-object delete are judged one by one (S3 API reference, DeleteObjects, "Permissions"). */
export function removeDenied(
  { bucket, headers }: Pick<S3Request, "bucket" | "headers">,
  document: string,
  isAllowed: (permissions: readonly Permission[]) => boolean,
): DeleteList {
  const bypasses = headers["x-amz-bypass-governance-retention"]?.toLowerCase() === "true";
  const denied: Item[] = [];
  let left = 0;
  const kept = document.replace(/<Object>(.*?)<\/Object>/gs, (element, inner: string) => {
    const key = unescapeXml(/<Key>(.*?)<\/Key>/s.exec(inner)?.[1] ?? "");
    const versionId = /<VersionId>(.*?)<\/VersionId>/.exec(inner)?.[1];
    if (isAllowed(deletePermissions(bucket, key, versionId, bypasses))) {
      left += 1;
      return element;
    }
    denied.push({ key, versionId });
    return "";
  });
  return { document: left === 0 ? undefined : kept, denied };
}

/** The answer to a multi-object delete with the refused items added. */
export function withErrors(answer: string | undefined, denied: readonly Item[]): string {
  const errors = denied
    .map(({ key, versionId }) => {
      const version = versionId === undefined ? "" : `<VersionId>${escapeXml(versionId)}</VersionId>`;
      return `<Error><Key>${escapeXml(key)}</Key>${version}<Code>AccessDenied</Code><Message>Access Denied</Message></Error>`;
    })
    .join("");
  const empty =
    '<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>';
  return (answer ?? empty).replace("</DeleteResult>", `${errors}</DeleteResult>`);
}
