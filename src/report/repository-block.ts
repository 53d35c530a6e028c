/** One repository's block of a plan: what is done on which server, or why it is not. */
import { formatSize } from '../core/quantity.ts';
import type { Operation, Plan, PlanRepository, Refusal } from '../kinds/plan.ts';
import { type BlockOptions, refusalLines } from './vm-block.ts';
import { clean, count, hang } from './text.ts';

const indent = '    ';

const looks = {
  attach: { symbol: '+', verb: 'attach', paint: 'green' },
  change: { symbol: '~', verb: 'change', paint: 'red' },
  detach: { symbol: '-', verb: 'detach; its data stay', paint: 'red' },
  erase: { symbol: '-', verb: 'detach, AND DELETE ITS DATA', paint: 'red' },
  none: { symbol: '!', verb: 'refused', paint: 'red' },
} as const;

/** `THE BYTES OF 3 DISKS (45GiB) ARE LOST`: sizes as far as they are known. */
const losses = (operations: readonly Operation[]): string => {
  const sizes = operations.flatMap(({ op }) => (op.verb === 'delete-disk' && op.copied === null ? [op.size] : []));
  if (sizes.length === 0) return '';
  const known = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const least = sizes.includes(null) ? 'at least ' : '';
  return `: THE BYTES OF ${count(sizes.length, 'DISK', 'DISKS')} (${least}${formatSize(known)}) ARE LOST`;
};

const block = (
  r: Pick<PlanRepository, 'name' | 'pool' | 'path' | 'servers'> & { readonly action: keyof typeof looks },
  operations: readonly Operation[],
  refused: readonly Refusal[],
  o: BlockOptions,
): readonly string[] => {
  const { symbol, verb, paint } = looks[r.action];
  const lost = r.action === 'erase' ? losses(operations) : '';
  const at = r.path === '' ? '' : ` at ${clean(r.path)}`;
  const column = Math.max(0, ...r.servers.map((s) => clean(s.server).length)) + 2;
  const commands = o.commands ? operations.flatMap((x) => x.commands.map((c) => [x.server, c] as const)) : [];
  return [
    `${o.paint[paint](symbol)} ${o.paint.bold(`repository ${clean(r.name)}`)} of pool ${clean(r.pool)}${at}: ${o.paint[paint](verb + lost)}`,
    ...r.servers.flatMap(({ server, does }) => {
      const behind = `${indent}${' '.repeat(column)}`;
      const first = indent + clean(server).padEnd(column);
      // What is deleted has a line of its own.
      const lines = r.action === 'erase' ? does : [does.join('; ')];
      return lines.flatMap((line, i) => hang(i === 0 ? first : behind, clean(line), behind, o.width));
    }),
    ...refused.flatMap((x) => refusalLines(x, o)),
    ...commands.map(
      ([server, c]) => `${indent}${clean(server).padEnd(column)}${o.paint.dim('$')} ${o.paint.cyan(clean(c))}`,
    ),
  ];
};

/** Every repository that has something to say, with an empty line after each. */
export const repositoryBlocks = (plan: Plan, o: BlockOptions): readonly string[] => {
  const refusedOf = (key: string): readonly Refusal[] =>
    plan.refused.filter((r) => r.subject.kind === 'repository' && r.subject.name === key);
  const known = new Set(plan.repositories.map((r) => r.subject.name));
  const bare = plan.refused
    .filter((r) => r.subject.kind === 'repository' && !known.has(r.subject.name))
    .map((r) => r.subject.name);
  return [
    ...plan.repositories.flatMap((r) => [
      ...block(
        r,
        plan.operations.filter((x) => r.operations.includes(x.id)),
        refusedOf(r.subject.name),
        o,
      ),
      '',
    ]),
    ...[...new Set(bare)].flatMap((key) => {
      const [pool = '', ...name] = key.split('/');
      const r = { name: name.join('/'), pool, path: '', servers: [], action: 'none' as const };
      return [...block(r, [], refusedOf(key), o), ''];
    }),
  ];
};
