/** What starts, stops and holds a domain, and waits until it is up. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import { isVolumeGroup } from '../../../kinds/repository/live.ts';
import { isRevived } from '../../../kinds/vm/state.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import { leaseText } from '../../../kinds/vm/lease.ts';
import type { VmConfig } from '../../../kinds/vm/spec.ts';
import { created, destroyed, exec, gone, quickMs, takenDown, wakeArgvs } from './domain-steps.ts';
import { checkPath, placing, written } from './cfg.ts';
import { makeDisk } from './disk.ts';
import { onDomain, type At, type Of, type Unsupported } from './lowering.ts';
import { canStart, runningPaths } from './needs.ts';
import { closed, givenBack, leasedAndOpened, leaseTaken, reopened, sharedAmong } from './shared-volumes.ts';
import { groupOf } from '../read/volumes.ts';

export const is = (uuid: string, state: 'running' | 'paused' | 'over'): Condition => ({ is: 'domain', uuid, state });

type Leased = Of<'start' | 'restart' | 'settle' | 'resume'>;

/** Whoever else took one meanwhile keeps it, and the step fails. */
export const leased = (op: Leased, seen: ServerSeen): readonly Step[] | Unsupported => {
  const { lease, vm, uuid, server } = op;
  const { bootId } = seen;
  if (lease === null) return [];
  if (isVolumeGroup(lease.folder)) return leaseTaken(lease, op, seen);
  const { path, farm, disks, frees, replaces, generation } = lease;
  const text = leaseText({ format: 1, farm, vm: vm.name, uuid, server, boot: bootId, generation, disks });
  return [
    exec(['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]),
    { do: 'write', path, bytes: new TextEncoder().encode(text), mode: 0o644, onlyIf: replaces },
    ...(frees === null ? [] : [exec(['rm', '-f', frees])]),
  ];
};

/** Before it runs: its lease, and the volumes that it shares with other servers. */
export const readied = (op: Leased, config: VmConfig, seen: ServerSeen): readonly Step[] | Unsupported => {
  const volumes = sharedAmong(runningPaths(config), seen.storage);
  if (op.lease && isVolumeGroup(op.lease.folder)) return leasedAndOpened(op.lease, op, volumes, seen);
  const taken = leased(op, seen);
  return 'unsupported' in taken ? taken : [...taken, ...reopened(volumes)];
};

export const store = ({ lease }: Of<'start' | 'restart' | 'settle' | 'resume'>): readonly Condition[] =>
  lease === null
    ? []
    : [{ is: 'store', path: lease.folder, farm: lease.farm, repository: lease.repository, uuid: null }];

export const start = (op: Of<'start'>, { domain, seen }: At): Lowered | Unsupported => {
  const { uuid, path, paused, config } = op;
  const first = readied(op, config, seen);
  if ('unsupported' in first) return first;
  const runs = domain?.state === 'running' || domain?.state === 'paused';
  const clear = op.clear && domain && !runs ? destroyed(domain) : [];
  return {
    before: [
      clear.length > 0 ? is(uuid, 'over') : gone(uuid),
      ...store(op),
      ...canStart(op, config, clear.length > 0 ? (domain?.memory.actual ?? 0) : 0, seen),
      { is: 'unsaved', name: config.name },
    ],
    steps: [...clear, ...first, created(path, paused, config)],
    after: [is(uuid, paused ? 'paused' : 'running')],
    afterMs: quickMs,
  };
};

const cannotStop = (name: string): Unsupported => ({
  unsupported: `${name} starts again whenever it shuts down (on.poweroff), so that it can only be destroyed`,
});

/** A lease that it has not any more is left to whoever has it. */
export const lets = ({ lease, uuid }: Pick<Of<'stop'>, 'lease' | 'uuid'>, { domain, seen }: At): readonly Step[] => {
  if (lease === null) return [];
  if (!isVolumeGroup(lease.path)) return [{ do: 'remove', path: lease.path, onlyIf: lease.digest }];
  const had = domain?.disks.map((k) => k.path).filter((p) => groupOf(p) === groupOf(lease.path)) ?? [];
  return givenBack(lease, uuid, sharedAmong(had, seen.storage), seen);
};

export const stop = (op: Of<'stop'>, at: At): Lowered | Unsupported => {
  const { domain } = at;
  if (domain && isRevived(domain) && !op.force) return cannotStop(domain.name);
  return {
    before: op.ended ? [{ is: 'domain', uuid: op.uuid, state: 'over' }] : [],
    steps: [
      ...(domain ? takenDown(domain, op) : []),
      ...closed(sharedAmong(op.volumes, at.seen.storage)),
      ...lets(op, at),
    ],
    after: [gone(op.uuid)],
    afterMs: quickMs,
  };
};

/**
 * The new cfg is tried with the real parser, and stands in its place, before anything is taken down; `rescue` puts the old
 * one back where the new one will not start. All that is looked at is of the new configuration.
 */
export const restart = (op: Of<'restart'>, at: At): Lowered | Unsupported => {
  const { path, config } = op.record;
  const { domain } = at;
  if (domain && isRevived(domain) && !op.force) return cannotStop(domain.name);
  const placed = op.write ? placing(op.record, at) : null;
  if (placed && 'unsupported' in placed) return placed;
  const check = checkPath(op.uuid);
  const checked: readonly Step[] = placed
    ? [
        written(check, placed.bytes, 'any'),
        exec(['xl', '-N', 'create', check]),
        { do: 'remove', path: check, onlyIf: 'any' },
      ]
    : [exec(['xl', '-N', 'create', path])];
  const down = domain ? takenDown(domain, op) : [];
  const place = placed?.steps ?? [];
  const copies = op.copies.map((c) => makeDisk(c, at.seen));
  const first = readied(op, config, at.seen);
  if ('unsupported' in first) return first;
  // A cfg never names a disk that is not whole: it follows the copies, and else stands there before anything goes down.
  const between = copies.length > 0 ? [...down, ...copies.flatMap((c) => c.steps), ...place] : [...place, ...down];
  return {
    before: [
      ...(placed?.before ?? []),
      ...copies.flatMap((c) => c.before),
      ...store(op),
      ...canStart(op, config, domain?.memory.actual ?? 0, at.seen),
    ],
    steps: [...checked, ...between, ...first, created(path, false, config)],
    after: [is(op.uuid, 'running')],
    afterMs: quickMs,
  };
};

export const pauseOrNot = (op: Of<'pause'> | Of<'unpause'>, at: At): Lowered =>
  onDomain(op, at, {
    steps: (_, dom) =>
      op.verb === 'pause' ? [exec(['xl', 'pause', dom])] : wakeArgvs(op.saved, dom).map((a) => exec(a)),
    after: [is(op.uuid, op.verb === 'pause' ? 'paused' : 'running')],
    afterMs: quickMs,
  });

/** Xen's own scripts need bash, so that every dom0 has it: nothing else there is sure to open a connection. */
const probeArgv = (host: string, port: number): readonly string[] => [
  'bash',
  '-c',
  'exec 3<>"/dev/tcp/$0/$1"',
  host,
  String(port),
];

export const ready = (op: Of<'ready'>): Lowered => {
  const { host, port, from, withinMs } = op.ready;
  return {
    before: [is(op.uuid, 'running')],
    steps: [
      {
        do: 'probe',
        from: from === 'here' ? 'here' : { argv: probeArgv(host, port) },
        host,
        port,
        deadlineMs: withinMs,
      },
    ],
    after: [],
    afterMs: 0,
  };
};
