/** Shows a plan in the form that was asked for, and writes it to files in others. */
import { digestOf } from '../core/digest.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Plan } from '../kinds/plan.ts';
import type { CfgDiffs } from '../report/cfg-diff.ts';
import { applyCommand } from '../report/apply-command.ts';
import { planJson } from '../report/plan-json.ts';
import { renderPlan } from '../report/plan-text.ts';
import type { PlanFormat } from './formats.ts';
import { formatOf, type ShowFlags } from './options.ts';
import { writePrivate } from './outside.ts';
import { heldByFileOnly } from './secrets.ts';
import { lookOf, say, type Look, type Output, type Shell } from './shell.ts';

const fileWidth = 100;

/** What a plan was made from, as it is written on a command line. */
export interface From {
  /** Null: no file makes this plan anew. */
  readonly paths: readonly string[] | null;
  /** The file that holds it. */
  readonly saved?: string | undefined;
  /** What becomes of the cfgs, where that is asked for. */
  readonly diffs?: CfgDiffs | undefined;
}

/** How this plan is applied, and no other; a plan that only its file can carry out is applied from that. */
export const howToApply = (plan: Plan, { paths, saved }: From): string | null => {
  const from = saved === undefined || heldByFileOnly(plan).length > 0 ? paths : saved;
  return from === null ? null : applyCommand(plan, digestOf(plan), from);
};

interface Way {
  readonly flags: ShowFlags;
  readonly from: From;
  readonly look: Look;
}

const rendered = async (plan: Plan, format: PlanFormat, { flags, from, look }: Way): Promise<string> => {
  switch (format) {
    case 'text':
      return renderPlan(plan, { ...look, commands: flags.commands, diffs: from.diffs });
    case 'json':
      return planJson(plan);
    case 'markdown': {
      // Its libraries take a tenth of a second to load.
      const { renderMarkdown } = await import('../report/markdown/plan.ts');
      return renderMarkdown(plan, {
        digest: digestOf(plan),
        apply: howToApply(plan, from),
        commands: flags.commands,
        diffs: from.diffs,
      });
    }
  }
};

export const savedAt = (flags: ShowFlags): string | undefined =>
  flags.out ?? flags.write.find((w) => w.format === 'json')?.path;

/** On `output`, into the files of `--write`, and saved by `--out`. Throws an `ExitError` where a file cannot be written. */
export const present = async (
  shell: Shell,
  plan: Plan,
  flags: ShowFlags,
  { paths, saved, diffs }: From,
  output: Output = shell.out,
): Promise<void> => {
  const from = { paths, saved: saved ?? savedAt(flags), diffs };
  output.write(await rendered(plan, formatOf(flags), { flags, from, look: lookOf(shell, output, flags.color) }));
  const look = { color: false, width: fileWidth };
  for (const { format, path } of flags.write)
    await writePrivate(path, await rendered(plan, format, { flags, from, look }));
  if (flags.out !== undefined) await writePrivate(flags.out, planJson(plan));
};

const mostNamed = 3;

/** What may be done with the plan that was saved; on standard error, since standard output may be the plan itself. */
export const tellSaved = (shell: Shell, plan: Plan, flags: ShowFlags): void => {
  const path = savedAt(flags);
  if (path === undefined) return;
  const [first, ...rest] = heldByFileOnly(plan);
  if (first === undefined) {
    say(shell.err, `Saved. To do exactly this: ${applyCommand(plan, digestOf(plan), path)}`);
    return;
  }
  const more =
    rest.length < mostNamed ? rest : [...rest.slice(0, mostNamed - 1), `${rest.length - mostNamed + 1} more`];
  say(
    shell.err,
    `Saved, to be read: reeve apply ${shellWord(path)} will refuse it, since no saved plan holds ${[first, ...more].join(', ')}. ` +
      'Apply the farm file itself; or write a text as ${file:PATH}, and serve the image under a URL without a query.',
  );
};
