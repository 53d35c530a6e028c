/** The servers' part of a plan: what is written down on each, and what is refused of one. */
import type { Plan } from '../kinds/plan.ts';
import { clean, hang } from './text.ts';
import { refusalLines, type BlockOptions } from './vm-block.ts';

/** Servers for which the same is done stand together; an empty line behind each block. */
export const serverBlocks = (plan: Plan, o: BlockOptions): readonly string[] => {
  const { paint } = o;
  const same = new Map<string, string[]>();
  for (const s of plan.dom0s) for (const does of s.does) same.set(does, [...(same.get(does) ?? []), clean(s.name)]);
  const commands = o.commands
    ? plan.operations
        .filter((x) => x.target.kind === 'server')
        .flatMap((x) => x.commands.map((c) => `${clean(x.server)} $ ${clean(c)}`))
    : [];
  const blocks = [...same].map(([does, names]) => [
    ...hang(
      '',
      `${paint.cyan('~')} ${names.length === 1 ? 'server' : 'servers'} ${paint.bold(names.join(', '))}: ${clean(does)}; nothing running is touched`,
      '    ',
      o.width,
    ),
  ]);
  return blocks
    .flatMap((lines) => [...lines, ''])
    .concat(commands.length > 0 ? [...commands.map((c) => `    ${paint.cyan(c)}`), ''] : []);
};

/** What is refused of servers themselves. */
export const refusedServers = (plan: Plan, o: BlockOptions): readonly string[] =>
  plan.refused.flatMap((r) =>
    r.subject.kind === 'server'
      ? [`${o.paint.red('!')} server ${o.paint.bold(clean(r.subject.name))}`, ...refusalLines(r, o), '']
      : [],
  );
