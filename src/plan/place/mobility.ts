/** How a VM that runs can leave its server: alive, through a restart, or not at all, and why. */
import { option } from '../../core/shell-word.ts';
import type { ReasonCode } from '../../core/reason.ts';
import { within, type Disruption } from '../../core/disruption.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { VmTransition } from '../../kinds/vm/draft.ts';
import { isRevived, revives } from '../../kinds/vm/state.ts';
import type { Domain } from '../../kinds/vm/live.ts';
import { boundBy, isDriverDomain } from '../../kinds/vm/bound.ts';
import type { VmConfig, VmSpec } from '../../kinds/vm/spec.ts';
import type { Body, PoolScene } from './workload.ts';
import type { Decision } from '../decide/decide.ts';
import { moveBy } from './solver/problem.ts';
import { localDisk } from '../model/shared-paths.ts';

/** PV guests are saved with shadow paging, which not every Xen has; the others with what the CPU gives. */
const cannotMigrate = (d: Domain, seen: ServerSeen, config: VmConfig): string | null => {
  if (d.type === 'pv' && !seen.xen.virtCaps.includes('shadow'))
    return 'this Xen cannot migrate pv guests (virt_caps without shadow)';
  return boundBy(config);
};

/** A disk that a hand attached, and that this plan does not take away. */
const attachedHere = (d: Domain, t: VmTransition, shared: readonly string[]): string | null => {
  const goes = new Set(t.take.map((x) => x.change.field));
  const local = localDisk(
    d.disks.filter((k) => !goes.has(`disks.${k.vdev}`)),
    shared,
  );
  return local === null ? null : `it has ${local} attached, which is only on its server`;
};

/** A migration has the volumes open on both servers for a moment, which a lock manager refuses on the second. */
const lockedGroup = (disks: VmConfig['disks'], { storage }: ServerSeen): string | null => {
  for (const { path } of Object.values(disks)) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    const store = storage.stores[folder];
    if (store?.is === 'there' && store.lock)
      return `lvmlockd (${store.lock}) has the volumes of ${folder} open on one server at a time, so it cannot migrate live`;
  }
  return null;
};

/** The option that would allow it. */
export const allowing = (needs: Disruption, spec: VmSpec): string => option('--allow', `${needs}=${spec.key}`);

type Way = Pick<Body, 'move' | 'stays' | 'suspend'>;

/** How a VM that runs can leave its server, within its budget. */
export const wayOut = (x: Decision, t: VmTransition, d: Domain, scene: PoolScene): Way => {
  const never = (code: ReasonCode, why: string, about: string | null, needs: Disruption | null = null): Way => ({
    move: moveBy.never,
    stays: { code, why, help: about, needs },
    suspend: false,
  });
  const config = t.live?.record?.config ?? t.want.config;
  const local = localDisk([...Object.values(t.want.config.disks), ...Object.values(config.disks)], scene.shared);
  if (local !== null)
    return never(
      'disk-local',
      `its disk ${local} is only on ${x.server}`,
      'move the disk into a shared repository first',
    );
  if (t.move.length > 0) return never('disk-moving', 'its disks are moved', 'apply that first');
  const seen = scene.seenOf(x.server);
  const budget = scene.budget(x.spec);
  const dead = d.state === 'shutdown' || d.state === 'crashed' || d.state === 'dying';
  if (dead) return never('domain-ended', 'it has ended and is not cleared away', 'start or stop it first');
  if (isDriverDomain(config))
    return never(
      'driver-domain',
      'it is a driver domain, and VMs of its server have their disks or NICs from it',
      `let it stay (\`server: ${x.server}\`), or move it by hand`,
    );
  if (t.mode === 'restart') return { move: moveBy.cold, stays: null, suspend: false };
  const fixed = seen
    ? (cannotMigrate(d, seen, config) ?? lockedGroup(config.disks, seen) ?? attachedHere(d, t, scene.shared))
    : 'its server was not read';
  // One that starts again whenever it shuts down is destroyed for that.
  const down: Disruption = isRevived(d) ? 'data-loss' : 'restart';
  const restarts = within(down, budget) && t.want.state === 'running';
  const paused = d.state === 'paused';
  // What this run lets go on moves after that, and is not stopped for it.
  if (fixed === null && within('migrate', budget) && (!paused || t.state === 'unpause')) {
    const suspend = !paused && within('restart', budget) && t.want.state === 'running';
    return { move: moveBy.live, stays: null, suspend };
  }
  if (paused) return never('vm-paused', 'it is paused', 'let it run (`state: running`), or stop it first');
  if (restarts) return { move: moveBy.restart, stays: null, suspend: false };
  if (fixed === null) return never('over-budget', `its budget is ${budget}`, allowing('migrate', x.spec), 'migrate');
  return never(
    'cannot-migrate',
    `${fixed}, ${down === 'restart' ? '' : `${revives}, `}and its budget is ${budget}`,
    allowing(down, x.spec),
    down,
  );
};
