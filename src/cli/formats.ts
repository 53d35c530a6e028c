/** The forms that a plan is shown in, and the files that it is written to beside. */
import { exit, ExitError } from './exit.ts';

export type PlanFormat = 'text' | 'json' | 'markdown';

/** `--write markdown=plan.md` */
export interface WriteTo {
  readonly format: PlanFormat;
  readonly path: string;
}

const formats = 'text, json or markdown';

/** Throws an `ExitError` for another. */
export const planFormat = (value: string): PlanFormat => {
  if (value === 'text' || value === 'json' || value === 'markdown') return value;
  if (value === 'html') throw new ExitError(exit.error, '--format html is not built yet in this version');
  throw new ExitError(exit.error, `--format ${value}: there is no such format`, `it is ${formats}`);
};

/** For commander: gathers `FORMAT=FILE`. */
export const writeTo = (value: string, all: readonly WriteTo[]): readonly WriteTo[] => {
  const cut = value.indexOf('=');
  const path = value.slice(cut + 1);
  if (cut === -1 || path === '')
    throw new ExitError(
      exit.error,
      `--write ${value} names no file`,
      `write --write FORMAT=FILE; FORMAT is ${formats}`,
    );
  return [...all, { format: planFormat(value.slice(0, cut)), path }];
};
