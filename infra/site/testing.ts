import { describe, expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { SiteError } from "./problems.ts";

// biome-ignore lint/suspicious/noExplicitAny: the point of these tests is to break the typed site in any way
export type Broken = any;

/** A wrong site as an edit of the lab's, and every problem that is then named, word for word. */
export type WrongSite = readonly [what: string, edit: (site: Broken) => void, ...problems: string[]];

/** One test for each wrong site: it is refused with exactly these problems. */
export function refuses(title: string, wrongSites: readonly WrongSite[]): void {
  describe(title, () => {
    it.each(wrongSites.map(([what, edit, ...problems]) => ({ what, edit, problems })))(
      "$what",
      ({ edit, problems }) => {
        const site = structuredClone(lab());
        edit(site);
        expect(problemsOf(site)).toEqual(problems);
      },
    );
  });
}

/** The problems of a site as a person reads them, none where it is valid. */
export function problemsOf(site: unknown): string[] {
  try {
    parseSite(site);
    return [];
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
}
