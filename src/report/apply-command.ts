/** The command line that does one plan and no other, ready to be pasted into a POSIX shell. */
import { shellWord } from '../core/shell-word.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';

const named = (option: string, values: readonly string[]): readonly string[] => values.flatMap((v) => [option, v]);

/** The options that shaped a plan, as they are written. */
const optionWords = (o: PlanOptions): readonly string[] => [
  ...named('--pool', o.pools),
  ...named('--target', o.targets),
  ...named(
    '--allow',
    o.allow.map((a) => (a.pattern === null ? a.disruption : `${a.disruption}=${a.pattern}`)),
  ),
  ...named('--takeover', o.takeover),
  ...(o.prune ? ['--prune'] : []),
  ...named('--delete-disks', o.deleteDisks),
  ...named('--delete-data', o.deleteData),
  ...(o.cause === 'all' ? [] : ['--cause', o.cause]),
  ...(o.pending ? ['--pending'] : []),
];

/** The next command on the same farm; `from` null: no file makes the plan anew, and the reader knows where it is. `more`: options, quoted. */
export const commandOn = (
  command: 'plan' | 'apply',
  plan: Plan,
  from: readonly string[] | null,
  more: readonly string[] = [],
): string => {
  const words = from === null ? [] : [...from, ...optionWords(plan.options)].map(shellWord);
  return ['reeve', command, ...words, ...more].join(' ');
};

/** `from`: the saved plan, or the files and folders that it is planned from once more. */
export const applyCommand = (plan: Plan, digest: string, from: string | readonly string[]): string => {
  const words = typeof from === 'string' ? [from] : [...from, ...optionWords(plan.options)];
  return ['reeve', 'apply', ...words, '--expect', digest].map(shellWord).join(' ');
};
