/** A refusal in the product's words. Its JSON interface answers with the bare text. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What the product says when parameters do not fit their schema, or a handler refuses a single one. */
export function parameterError(errors: readonly (readonly [name: string, reason: string])[]): ApiError {
  const [only, ...more] = errors;
  if (only && more.length === 0) {
    return new ApiError(400, `parameter verification failed - '${only[0]}': ${only[1]}`);
  }
  const lines = errors.map(([name, reason]) => `- '${name}': ${reason}`);
  return new ApiError(400, `parameter verification failed:\n${lines.join("\n")}`);
}

/** Why a disk refused something, without the place on this machine that stands for the server's. */
export function diskReason(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOSPC")
    return "No space left on device (os error 28)";
  return error instanceof Error ? error.message : String(error);
}
