/** What would allow a refused thing, as data: what its help says in words. */
import { option } from '../../core/shell-word.ts';
import { isAllowed, type Allow } from '../../core/reason.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { PlanOptions, Refusal } from '../../kinds/plan.ts';
import type { Deletes } from '../decide/deletion-guards.ts';

/** The options of this run that leave something out. */
const narrowing = ({ targets, pools, cause }: PlanOptions): readonly Allow[] => [
  ...(targets.length > 0 ? [{ without: '--target' }] : []),
  ...(pools.length > 0 ? [{ without: '--pool' }] : []),
  ...(cause === 'all' ? [] : [{ without: '--cause' }]),
];

const moreDeletes = ({ policy: { deletes } }: Farm, { count, total }: Deletes): readonly Allow[] => {
  const percent = Math.ceil((count * 100) / Math.max(1, total));
  return [
    ...(count > deletes.max ? [{ key: 'policy.deletes.max', value: count }] : []),
    ...(percent > deletes.percent ? [{ key: 'policy.deletes.percent', value: percent }] : []),
  ];
};

/** Nothing where nothing that can be written would. */
export const allowOf = (
  { code, subject: { kind, name }, needs }: Refusal,
  farm: Farm,
  options: PlanOptions,
  deletes: Deletes,
): readonly Allow[] => {
  if (!isAllowed(code)) return [];
  switch (code) {
    case 'cannot-migrate':
    case 'over-budget':
      return needs === null ? [] : [{ option: option('--allow', `${needs}=${name}`) }];
    case 'stuck':
      return [{ option: option('--allow', `restart=${name}`) }];
    case 'foreign-vm':
      return [{ option: option('--takeover', name) }];
    case 'left-out':
      return narrowing(options);
    case 'partial-run':
      return [{ without: kind === 'vm' ? '--target' : '--pool' }];
    case 'protected':
      return [{ key: `vms.${name}.protect`, value: false }];
    case 'spare-exceeded':
      return farm.vms.flatMap((v) => (v.key === name ? [{ key: `pools.${v.pool}.spare`, value: 0 }] : []));
    case 'too-many-deletes':
      return moreDeletes(farm, deletes);
  }
};
