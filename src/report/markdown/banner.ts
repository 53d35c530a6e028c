/** What a reviewer must not miss: the worst that a plan does, and to which VMs, in a few lines. */
import { disruptions, type Disruption } from '../../core/disruption.ts';
import { groupBy } from '../../core/order.ts';
import type { Plan } from '../../kinds/plan.ts';
import { count, time } from '../text.ts';
import { downtimeOf } from '../vm-block.ts';
import { code, strong, text, type Inline } from './nodes.ts';
import type { VmPart } from './vm.ts';

const mostNames = 6;

const namesOf = (names: readonly string[]): Inline => {
  const more = names.length - mostNames;
  return [
    ...names.slice(0, mostNames).flatMap((n, i): Inline => [...(i > 0 ? [text(', ')] : []), code(n.slice(0, 80))]),
    ...(more > 0 ? [text(` and ${more} more`)] : []),
  ];
};

/** `1 VM restarts`, `3 VMs restart`. */
const verb = (n: number, one: string, many: string): string => `${count(n, 'VM')} ${n === 1 ? one : many}`;

const downOf = (parts: readonly VmPart[]): string => {
  const most = Math.max(0, ...parts.map((p) => downtimeOf(p.operations)));
  if (most === 0) return '';
  return parts.length === 1 ? `, down for about ${time(most)}` : `, each down for up to about ${time(most)}`;
};

const words = (disruption: Disruption, parts: readonly VmPart[]): string | null => {
  const n = parts.length;
  switch (disruption) {
    case 'data-loss':
      return `DATA ARE LOST of ${count(n, 'VM')}`;
    case 'recreate':
      return `${verb(n, 'is', 'are')} made anew${downOf(parts)}`;
    case 'stop':
      return `${verb(n, 'stops', 'stop')} running`;
    case 'restart':
      return `${verb(n, 'restarts', 'restart')}${downOf(parts)}`;
    case 'device':
      return `${verb(n, 'loses', 'lose')} a disk or a NIC while running`;
    case 'migrate':
      return `${verb(n, 'moves', 'move')} while running, paused for a moment`;
    case 'live':
      return `${verb(n, 'changes', 'change')} while running, without downtime`;
    case 'none':
      return null;
  }
};

/** Moves whose memory is saved on the way restart nothing. */
const suspended = (parts: readonly VmPart[]): Inline | null => {
  const most = Math.max(0, ...parts.map((p) => downtimeOf(p.operations)));
  const still = `${verb(parts.length, 'moves and stands', 'move and stand')} still for up to about ${time(most)}`;
  return parts.length === 0 ? null : [strong(text(still)), text(': '), ...namesOf(parts.map((p) => p.vm.subject.name))];
};

/** However little is felt of it: its cfg is gone. */
const deleted = (parts: readonly VmPart[]): Inline | null => {
  const said = `${verb(parts.length, 'is', 'are')} deleted; ${parts.length === 1 ? 'its' : 'their'} disks stay`;
  return parts.length === 0 ? null : [strong(text(said)), text(': '), ...namesOf(parts.map((p) => p.vm.subject.name))];
};

/** Beside the classes of disruption, what says more of a VM than its class. */
const groupOf = ({ vm: { action, disruption } }: VmPart): string => {
  if (action === 'suspend') return 'suspend';
  return action === 'delete' && disruption !== 'data-loss' ? 'delete' : disruption;
};

/** Disks and stores that go with no VM of the plan. */
const lost = (plan: Plan): readonly Inline[] => {
  const known = new Set(plan.vms.map((v) => v.subject.name));
  const disks = plan.operations.flatMap(({ op }) =>
    op.verb === 'delete-disk' && op.copied === null && (op.of === null || !known.has(op.of)) ? [op.disk] : [],
  );
  const stores = plan.repositories.filter((r) => r.action === 'erase').map((r) => r.subject.name);
  return [
    ...(stores.length === 0 ? [] : [[strong(text('THE DATA ARE DELETED')), text(' in '), ...namesOf(stores)]]),
    ...(disks.length === 0 ? [] : [[strong(text('Disks are DELETED')), text(': '), ...namesOf(disks)]]),
  ];
};

/** Worst first; at least one line. */
export const bannerLines = (plan: Plan, parts: readonly VmPart[]): readonly Inline[] => {
  const acting = parts.filter((p) => p.operations.length > 0);
  const groups = groupBy(acting, groupOf);
  const lines = disruptions.toReversed().flatMap((d): readonly Inline[] => {
    const some = groups.get(d) ?? [];
    const said = some.length === 0 ? null : words(d, some);
    const own = said === null ? [] : [[strong(text(said)), text(': '), ...namesOf(some.map((p) => p.vm.subject.name))]];
    const more = [
      d === 'stop'
        ? deleted(groups.get('delete') ?? [])
        : d === 'restart'
          ? suspended(groups.get('suspend') ?? [])
          : null,
    ];
    return [...own, ...more.flatMap((line) => (line === null ? [] : [line]))];
  });
  const touched = [...lost(plan), ...lines];
  const refused = [...new Set(plan.refused.map((r) => r.subject.name))];
  return [
    ...(touched.length === 0 ? [[text('Nothing that runs is touched.')]] : touched),
    ...(refused.length === 0
      ? []
      : [[strong(text(`${plan.refused.length} refused`)), text(': '), ...namesOf(refused)]]),
    ...(plan.unreadable.length === 0
      ? []
      : [
          [
            strong(text(`${count(plan.unreadable.length, 'server')} not read`)),
            text(': '),
            ...namesOf(plan.unreadable.map((u) => u.server)),
          ],
        ]),
  ];
};
