/** Why placing could not fulfil a wish, server by server, and why a VM has to move at all. */
import { formatSize } from '../../core/quantity.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import { barredAlive, holdsVms, keepsVms, lackThere } from './workloads.ts';
import type { Body } from './workload.ts';
import { freeAfter, type PoolPlan } from './place-pool.ts';
import { whereaboutsOf } from './placement-index.ts';

const stateTexts: Readonly<Record<ServerSpec['state'], string>> = {
  active: 'runs no VMs (its roles)',
  maintenance: 'is in maintenance',
  off: 'is off',
  lost: 'is lost',
  absent: 'is to leave the pool',
};

const stateText = ({ state, roll }: ServerSpec): string =>
  state === 'active' && roll ? 'is under treatment by a roll' : stateTexts[state];

const sharing = (plan: PoolPlan, body: Body, server: string): Body | undefined => {
  const { besideThen, indexOf } = whereaboutsOf(plan);
  return besideThen(body, indexOf.get(server) ?? -1);
};

/** What keeps the VM from one server once all else is done; null: nothing that is known. */
export const lackOn = (plan: PoolPlan, body: Body, server: string): string | null => {
  const { indexOf, endOf } = whereaboutsOf(plan);
  const index = indexOf.get(server);
  const spec = plan.scene.serverOf.get(server);
  if (!spec) return 'is in another pool';
  if (!holdsVms(spec)) return stateText(spec);
  if (index === undefined) return 'could not be read';
  if (body.spec && body.spec.servers.length > 0 && !body.spec.servers.includes(server))
    return 'is none that the file names for it';
  const lack = body.config && lackThere(body.config, server, plan.scene);
  if (lack) return lack.what;
  const barred = barredAlive(body, server, plan.scene);
  if (barred !== null) return barred;
  const other = sharing(plan, body, server);
  if (other) {
    const groups = new Set(body.known?.apart.map((a) => a.group));
    const group = other.known?.apart.find((a) => groups.has(a.group))?.group;
    return `has ${other.name} of group ${group}`;
  }
  const free = freeAfter(plan).get(server);
  const here = endOf.get(body) === index;
  const memory = body.next.memory - (free?.memory ?? 0) - (here ? body.next.memory : 0);
  if (memory > 0) return `lacks ${formatSize(Math.ceil(memory / 1024) * 1024)} of memory`;
  const vcpus = body.next.vcpus - (free?.vcpus ?? 0) - (here ? body.next.vcpus : 0);
  if (vcpus > 0) return `lacks ${Math.ceil(vcpus)} vCPUs (overcommit)`;
  for (const [repository, kib] of body.space) {
    const short = kib - (free?.space.get(repository) ?? 0) - (here ? kib : 0);
    if (short > 0) return `lacks ${formatSize(Math.ceil(short / 1024) * 1024)} in repository ${repository}`;
  }
  return null;
};

/** All servers of the pool that might take it, each with what it lacks. */
export const lacksText = (plan: PoolPlan, body: Body): string =>
  plan.scene.pool.servers
    .filter((s) => s.name !== body.server && (body.spec?.servers.length === 0 || body.spec?.servers.includes(s.name)))
    .map((s) => `${s.name} ${lackOn(plan, body, s.name) ?? 'has room, but what has to leave it first cannot'}`)
    .join('; ') || 'no other server of its pool may have it';

/** What would help, by what keeps it from the servers that may have it. */
export const helpText = (plan: PoolPlan, body: Body): string => {
  const may = plan.scene.pool.servers.filter(
    (s) => s.name !== body.server && (body.spec?.servers.length === 0 || body.spec?.servers.includes(s.name)),
  );
  const lacks = may.map((s) => lackOn(plan, body, s.name));
  if (lacks.some((l) => l?.endsWith('(overcommit)')) && !lacks.some((l) => l?.endsWith('of memory')))
    return 'raise `overcommit.vcpus`, take fewer vCPUs, or add a server';
  if (lacks.some((l) => l?.includes(' in repository ')) && !lacks.some((l) => l?.endsWith('of memory')))
    return 'free some space there, take smaller disks, or give it another server';
  if (lacks.some((l) => l === null || l.startsWith('lacks ')))
    return 'free some memory, take a smaller VM, or give it another server';
  const open = may.filter(holdsVms);
  if (open.length === 0) {
    const others = plan.scene.pool.servers.some((s) => s.name !== body.server && holdsVms(s) && !may.includes(s));
    return others ? 'name more servers for it in the file' : 'let another server be `active`, or add one';
  }
  const grouped = open.map((s) => sharing(plan, body, s.name)).find((b) => b !== undefined);
  if (grouped) return 'add a server, or let the group be `soft: true` for it';
  const own = open.flatMap((s) => (body.config && lackThere(body.config, s.name, plan.scene)?.help) ?? []);
  return own[0] ?? 'give it another server';
};

/** Why a VM that runs there cannot stay. */
export interface Reason {
  /** `state`, `file` and `apart` are wishes of the file; `full` and `room` come of what others take. */
  readonly is: 'state' | 'file' | 'apart' | 'full' | 'room';
  readonly text: string;
}

export const whyLeaves = (plan: PoolPlan, body: Body): Reason => {
  const { server } = body;
  const spec = plan.scene.serverOf.get(server ?? '');
  if (server === null && body.prefers === null)
    return { is: 'file', text: `the file wants pool ${plan.scene.pool.name}` };
  if (server === null || !spec) return { is: 'room', text: 'where its cfg lies it cannot start' };
  if (!keepsVms(spec)) return { is: 'state', text: `${server} ${stateText(spec)}` };
  const wanted = body.spec?.servers ?? [];
  if (wanted.length > 0 && !wanted.includes(server))
    return { is: 'file', text: `the file wants ${wanted.join(' or ')}` };
  const { indexOf, wants, besideNow } = whereaboutsOf(plan);
  const beside = besideNow(body, server);
  if (beside) return { is: 'apart', text: `${beside.name} of its group is on ${server}, too` };
  if ((wants.get(server) ?? 0) > (plan.problem.room[plan.problem.dims * (indexOf.get(server) ?? -1)] ?? 0))
    return { is: 'full', text: `${server} cannot hold what its VMs are to have` };
  return { is: 'room', text: `it makes room on ${server}` };
};
