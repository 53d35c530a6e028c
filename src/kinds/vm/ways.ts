/** Every legal way to bring one field of a VM to its wanted value, cheapest first: the table of what can be changed how. */
import type { How, Way } from '../../core/change.ts';
import { deviceWays } from './device-ways.ts';
import { fieldOf, type Field } from './fields.ts';
import { ignores, vcpusOf } from './follows.ts';
import { formatSize } from '../../core/quantity.ts';
import type { Facts } from './facts.ts';
import type { Resolved } from './resolve.ts';
import type { Domain, LiveVm } from './live.ts';
import { isRevived, revives } from './state.ts';
import { configure, restart, unless, type Ways } from './way.ts';
import { noMoreVcpus } from './xen-limits.ts';

const memory = ({ domain: d }: LiveVm, want: Resolved): Ways => {
  const kib = want.config.memory.target;
  const illegal =
    d && kib > d.memory.max
      ? `the running maximum is ${formatSize(d.memory.max)}`
      : d?.balloon === false
        ? 'the guest has no balloon driver'
        : null;
  return [
    unless({ how: 'set-memory', disruption: 'live', why: 'the balloon driver moves it while the VM runs' }, illegal),
    restart('the memory maximum is fixed when a VM starts'),
  ];
};

/** Why the running guest cannot be brought to so many vCPUs, or null. */
const fixedVcpus = (n: number, d: Domain, { xen, cpus }: Facts['seen']): string | null => {
  if (n > d.vcpus.max) return `the running maximum is ${d.vcpus.max}`;
  if (n > cpus) return `the server has ${cpus} CPUs`;
  const has = vcpusOf(d);
  if (d.type === 'hvm' && n < has) return 'a running HVM guest lets no vCPU go';
  if (n > has && noMoreVcpus(d.type, xen) !== null) return noMoreVcpus(d.type, xen);
  return ignores(d, n) ? `it was told to run ${n}, and the hypervisor counts ${d.vcpus.online}` : null;
};

const vcpus = ({ domain }: LiveVm, want: Resolved, facts: Facts): Ways => {
  const illegal = domain && fixedVcpus(want.config.vcpus.count, domain, facts.seen);
  return [
    unless({ how: 'set-vcpus', disruption: 'live', why: 'vCPUs are plugged while the VM runs' }, illegal),
    restart('the VM starts with that many vCPUs'),
  ];
};

/** The schedulers whose weight and cap xl sets. */
const weighing: ReadonlySet<string> = new Set(['credit', 'credit2']);

const setting = (field: Field, facts: Facts): Ways => {
  if (field.live === null) return [restart(field.why)];
  const { scheduler } = facts.seen;
  const other = field.live === 'set-sched' && scheduler !== '' && !weighing.has(scheduler);
  return [
    unless({ how: field.live, disruption: 'live', why: field.why }, other ? `the scheduler is ${scheduler}` : null),
    restart(field.why),
  ];
};

/** The ways to change `field` of a VM whose domain is up. */
const liveWays = (field: string, live: LiveVm, want: Resolved, facts: Facts): Ways => {
  const known = fieldOf(field);
  if (known) return setting(known, facts);
  const [group = '', member = ''] = field.split('.', 2);
  switch (group) {
    case 'memory':
      return member === 'target' ? memory(live, want) : [restart('the memory maximum is fixed when a VM starts')];
    case 'vcpus':
      return member === 'count' ? vcpus(live, want, facts) : [restart('the vCPU maximum is fixed when a VM starts')];
    case 'name':
      return [{ how: 'rename', disruption: 'live', why: 'Xen calls it by its new name while it runs' }];
    case 'disks':
    case 'cdrom':
    case 'nics':
      return deviceWays(group, member, live, want, facts);
    case 'boot':
    case 'xl':
      return [restart('it is read when the VM starts')];
    default:
      return [restart('it is fixed when a VM starts')];
  }
};

/** What needs nothing of the guest. */
const withoutGuest: ReadonlySet<How> = new Set(['set-sched', 'set-affinity', 'set-cpupool', 'rename', 'change-cd']);

/** A paused guest answers nothing: its balloon, its hotplug and its shutdown all wait. */
const whilePaused = (way: Way): Way =>
  withoutGuest.has(way.how) ? way : { ...way, illegal: way.illegal ?? 'the VM is paused and stays so' };

/** Its monitor starts it again when it shuts down: only destroying it takes it down. */
const destroying = (way: Way): Way =>
  way.how === 'restart' ? { ...way, disruption: 'data-loss', why: `${way.why}; ${revives}` } : way;

/** What no domain has: it stands in the cfg or beside it only. */
const besides: ReadonlySet<string> = new Set(['autostart', 'autostart.link', 'protect']);

/** Never empty, cheapest first. `differs`: whether the running side differs at all. */
export const waysOf = (field: string, live: LiveVm, want: Resolved, facts: Facts, differs: boolean): Ways => {
  const d = live.domain;
  const up = d !== null && (d.state === 'running' || d.state === 'paused');
  if (!up || !differs || want.state === 'stopped' || besides.has(field)) return [configure];
  const found = liveWays(field, live, want, facts);
  const ways: Ways = isRevived(d) ? [destroying(found[0]), ...found.slice(1).map(destroying)] : found;
  if (!(d.state === 'paused' && want.state === 'paused')) return ways;
  const [first, ...rest] = ways;
  return [whilePaused(first), ...rest.map(whilePaused)];
};
