/** What a plan makes of each cfg, line by line, as a unified diff. */
import { structuredPatch } from 'diff';
import type { Operation, Plan } from '../kinds/plan.ts';
import type { CfgSide, CfgWriting } from '../kinds/toolstack.ts';
import { visible } from '../core/visible.ts';
import { clean } from './text.ts';

/** Lines without their line end, by the operation's ID: two headings, then hunks; or one that says why there are none. */
export type CfgDiffs = ReadonlyMap<string, readonly string[]>;

/** Beyond that, one after the other is as good to read, and made at once. */
const mostEdits = 1000;

const linesOf = (text: string): readonly string[] => text.replace(/\n$/, '').split('\n');

/** `@@ -1,3 +1,4 @@`. Of no lines: the one behind which they would stand. */
const at = (oldStart: number, oldLines: number, newStart: number, newLines: number): string => {
  const range = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
};

const whole = (before: string, after: string): readonly string[] => {
  const [old, now] = [linesOf(before), linesOf(after)];
  return [at(1, old.length, 1, now.length), ...old.map((l) => `-${l}`), ...now.map((l) => `+${l}`)];
};

/** Hunks with three lines around each change; empty where the texts are equal. */
const hunks = (before: string, after: string): readonly string[] => {
  if (before === after) return [];
  const patch = structuredPatch('', '', before, after, '', '', { context: 3, maxEditLength: mostEdits });
  if (patch === undefined) return whole(before, after);
  return patch.hunks.flatMap((h) => [at(h.oldStart, h.oldLines, h.newStart, h.newLines), ...h.lines]);
};

const placeOf = ({ server, path }: CfgSide): string => clean(`${server}:${path}`);

const unseen = ' (only what Reeve remembers in its heading changes, or a password, which is not shown)';

const diffOf = (from: CfgSide | null, to: CfgSide): readonly string[] => {
  const head = [`--- ${from === null ? '/dev/null' : placeOf(from)}`, `+++ ${placeOf(to)}`];
  const body = hunks(from?.text ?? '', to.text);
  return [...head, ...(body.length === 0 ? [unseen] : body)];
};

/** What is written twice is compared with what was written first. `writing`: what an operation of the plan writes. */
export const cfgDiffs = (
  plan: Plan,
  writing: (operation: Operation) => CfgWriting | { readonly unsupported: string } | null,
): CfgDiffs => {
  const written = new Map<string, CfgSide>();
  const diffs = new Map<string, readonly string[]>();
  for (const operation of plan.operations) {
    const { id } = operation;
    const w = writing(operation);
    if (w === null) continue;
    if ('unsupported' in w) {
      diffs.set(id, [visible(w.unsupported)]);
      continue;
    }
    const before = written.get(placeOf(w.to)) ?? (w.from && (written.get(placeOf(w.from)) ?? w.from));
    diffs.set(id, diffOf(before, w.to).map(visible));
    written.set(placeOf(w.to), w.to);
  }
  return diffs;
};
