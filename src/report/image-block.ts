/** A template's or an ISO's block of a plan: where it comes from and where it goes, or why it does not. */
import type { Operation, Plan, PlanImage, Refusal } from '../kinds/plan.ts';
import { formatSize } from '../core/quantity.ts';
import { isLocal } from '../kinds/image/spec.ts';
import { clean, hang } from './text.ts';
import { refusalLines, type BlockOptions } from './vm-block.ts';

const indent = '    ';

const nouns = { template: 'template', iso: 'ISO' } as const;

const head = (what: PlanImage['what'], name: string, pool: string, o: BlockOptions): string =>
  `${o.paint.bold(`${nouns[what]} ${clean(name)}`)} of pool ${clean(pool)}`;

const block = (image: PlanImage, operations: readonly Operation[], o: BlockOptions): readonly string[] =>
  operations.flatMap(({ op, server, commands }) => {
    if (op.verb !== 'fetch-image' && op.verb !== 'remove-image') return [];
    const title = head(image.what, image.name, image.pool, o);
    const lines = o.commands ? commands.map((c) => `${indent}${o.paint.dim('$')} ${o.paint.cyan(clean(c))}`) : [];
    if (op.verb === 'remove-image')
      return [
        `${o.paint.red('-')} ${title}: ${o.paint.red(`remove it from ${clean(server)}`)}`,
        `${indent}${clean(op.path)}`,
        ...lines,
      ];
    const check =
      op.sha256 === null
        ? [`${indent}${o.paint.yellow('!')} no sha256: nothing tells whether its bytes are right`]
        : [];
    return [
      `${o.paint.green('+')} ${title}: ${o.paint.green(isLocal(op.source) ? `upload it to ${clean(server)}` : `fetch it on ${clean(server)}`)}`,
      ...hang(`${indent}from  `, clean(op.source), `${indent}      `, o.width),
      `${indent}size  ${op.size === null ? 'not known before: it is compared with the free space when it is fetched' : formatSize(op.size)}`,
      ...hang(`${indent}to    `, clean(op.path), `${indent}      `, o.width),
      ...check,
      ...lines,
    ];
  });

const refusedBlock = (key: string, refused: readonly Refusal[], o: BlockOptions): readonly string[] => {
  const [pool = '', what, name = ''] = key.split('/');
  const title = head(what === 'iso' ? 'iso' : 'template', name, pool, o);
  return [`${o.paint.red('!')} ${title}: ${o.paint.red('refused')}`, ...refused.flatMap((x) => refusalLines(x, o)), ''];
};

/** Every image that has something to say, with an empty line after each. */
export const imageBlocks = (plan: Plan, o: BlockOptions): readonly string[] => {
  const refused = plan.refused.filter((r) => r.subject.kind === 'image');
  return [
    ...plan.images.flatMap((image) => [
      ...block(
        image,
        plan.operations.filter((x) => image.operations.includes(x.id)),
        o,
      ),
      '',
    ]),
    ...[...new Set(refused.map((r) => r.subject.name))].flatMap((key) =>
      refusedBlock(
        key,
        refused.filter((r) => r.subject.name === key),
        o,
      ),
    ),
  ];
};
