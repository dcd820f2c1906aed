/** Waits until a condition holds; fails with `what` when the deadline passes. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutSeconds = 20): Promise<void> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutSeconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
