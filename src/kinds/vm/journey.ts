/** A VM's way to another server → its operations: the cfg goes before it, and what it leaves behind goes once it has come. */
import type { How } from '../../core/change.ts';
import { ref } from '../../core/ref.ts';
import { runningCpuid } from './cpu.ts';
import { homeAfter, type Journey, type VmTransition } from './draft.ts';
import { autoFolder, configOfDomain } from './resolve.ts';
import type { Domain } from './live.ts';
import type { CfgDraft, LeftCfg, VmOp } from './ops.ts';
import type { DiskConfig, VmConfig } from './spec.ts';
import { settingOf } from './fields.ts';
import { volumesAmong } from './lease.ts';
import { lifeOf } from './state.ts';
import { table } from '../../core/table.ts';

/** NICs that this plan does something to. */
const nicsTaken = (t: VmTransition, hows: readonly How[]): ReadonlySet<string> =>
  new Set(
    t.take.flatMap(({ change, way }) => {
      if (!hows.includes(way.how)) return [];
      const key = change.field.slice('nics.'.length);
      return key.startsWith('mac ') ? key.slice('mac '.length) : (t.want.macs[key] ?? t.live?.marker?.macs[key] ?? []);
    }),
  );

/** On its way a NIC hangs where libxl's record says: only what is plugged anew before it leaves has another. */
const nicsOnTheWay = (t: VmTransition, d: Domain, nics: VmConfig['nics']): VmConfig['nics'] => {
  const fresh = nicsTaken(t, ['attach-nic', 'replace-nic']);
  return nics.map((n) => {
    const live = n.mac === null || fresh.has(n.mac) ? undefined : d.nics.find((x) => x.mac === n.mac);
    return live ? { ...n, bridge: live.recorded ?? live.bridge } : n;
  });
};

/** NICs that somebody hung on another bridge while the VM ran: what moves the VM forgets that. */
const rehung = (t: VmTransition, there: Pick<VmOp, 'vm' | 'server' | 'uuid' | 'name'>): readonly VmOp[] => {
  const taken = nicsTaken(t, ['attach-nic', 'replace-nic', 'detach-nic', 'move-nic']);
  return (t.live?.domain?.nics ?? []).flatMap(({ mac, bridge, recorded }): readonly VmOp[] => {
    if (recorded === undefined || bridge === null || taken.has(mac)) return [];
    const key = Object.entries(t.want.macs).find(([, m]) => m === mac)?.[0] ?? `mac ${mac}`;
    return [{ ...there, verb: 'move-nic', nic: key, mac, bridge, from: recorded }];
  });
};

/** A name that somebody gave the domain stays its own where this run does not take it back. */
const calledOnTheWay = (t: VmTransition, hot: readonly VmOp[]): string => {
  const { name } = t.want.config;
  return hot.some((op) => op.verb === 'rename') ? name : (t.live?.domain?.name ?? name);
};

/** As it runs once what is changed before it leaves has been changed: memory at its smaller, and no disk that it gets. */
const configOnTheWay = (t: VmTransition, name: string): VmConfig => {
  const d = t.live?.domain;
  if (!d) return t.want.config;
  const now = configOfDomain(d);
  const disks: Record<string, DiskConfig> = table(now.disks);
  let { nics } = now;
  for (const { change, way } of t.take) {
    if (way.how === 'detach-disk' || way.how === 'replace-disk') delete disks[change.field.slice('disks.'.length)];
    if (change.field.startsWith('nics.')) nics = t.want.config.nics;
  }
  const target = t.take.some((x) => x.way.how === 'set-memory')
    ? Math.min(now.memory.target, t.want.config.memory.target)
    : now.memory.target;
  const extra = runningCpuid(t);
  const memory = { ...now.memory, target };
  return { ...now, name, memory, disks, nics: nicsOnTheWay(t, d, nics), extra };
};

const leftBy = ({ live, strays }: VmTransition): LeftCfg | null => {
  const record = live?.record;
  if (!record) return null;
  const { path, digest, autostart, via } = record;
  return { path, digest, links: [...autostart, ...(via === undefined ? [] : [via]), ...strays] };
};

/** Whether it starts with its server there: as the file says, or as it did where it was. */
const starts = (t: VmTransition): boolean => {
  const asked = t.take.some((x) => x.change.field.startsWith('autostart'));
  const record = t.live?.record ?? t.live?.stray?.record;
  return asked || t.live === null ? t.want.autostart === true : (record?.autostart.length ?? 0) > 0;
};

const grows = (op: VmOp): boolean =>
  (op.verb === 'set-memory' && op.kib > op.from) || (op.verb === 'set-vcpus' && op.count > op.from);

/** `hot`: what is changed while it runs. */
export const journeyOps = (t: VmTransition, j: Journey, record: CfgDraft, hot: readonly VmOp[]): readonly VmOp[] => {
  const to = homeAfter(t);
  const here = { vm: ref('vm', t.want.key), server: t.server, uuid: t.want.uuid, name: t.want.config.name };
  const there = { ...here, server: to };
  const { path } = record;
  const left = leftBy(t);
  const link = starts(t) ? (t.want.link ?? `${autoFolder}${path.slice(path.lastIndexOf('/') + 1)}`) : null;
  const define: VmOp = { ...there, verb: 'define', record, update: false };
  // One that only makes room for others meanwhile comes back to its own cfg.
  const returns = to === t.server && left?.path === path;
  const forget: readonly VmOp[] =
    left && !returns ? [{ ...here, verb: 'forget', ...left, volumes: [], beside: false }] : [];
  const linked = returns && left.links.length > 0;
  const autostart: readonly VmOp[] =
    link === null || linked ? [] : [{ ...there, verb: 'autostart', path, on: true, link, links: [], via: t.via }];
  // A rename is of the running domain: it is known by its new name from then on. A disk comes once the lease there names it, and
  // a NIC that hangs on another bridge than libxl recorded is hung there again.
  const later = (op: VmOp): boolean => grows(op) || op.verb === 'attach-disk' || op.verb === 'move-nic';
  const before = hot.filter((op) => !later(op) && op.verb !== 'set-affinity');
  const after = [...rehung(t, there), ...hot.filter(later).map((op) => ({ ...op, server: to }))];
  const update = t.defer.length > 0;
  // What a migration forgets [L].
  const [hard, soft] = (['affinity.hard', 'affinity.soft'] as const).map((n) => settingOf(t.want.config.settings, n));
  const pinned: readonly VmOp[] =
    hard !== undefined && soft !== undefined && (hard !== 'all' || soft !== 'all')
      ? [{ ...there, verb: 'set-affinity', hard, soft }]
      : [];
  const settled: readonly VmOp[] =
    t.lease || link !== null || update
      ? [{ ...there, verb: 'settle', path, lease: t.lease, link, via: link === null ? null : t.via, update }]
      : [];
  // What travels has no volume that only one server sees.
  const inUse = (verb: 'activate' | 'deactivate', server: string, paths: readonly string[]): readonly VmOp[] => {
    const [first] = paths;
    const folder = first?.slice(0, first.lastIndexOf('/'));
    return folder === undefined ? [] : [{ ...here, server, verb, folder, paths, lease: null }];
  };
  const { ready } = t.want;
  const awaited: readonly VmOp[] = ready && t.want.state === 'running' ? [{ ...there, verb: 'ready', ready }] : [];
  const name = calledOnTheWay(t, hot);
  switch (j.how) {
    case 'live': {
      const config = configOnTheWay(t, name);
      const stages = [t.server, ...j.through];
      const volumes = volumesAmong(Object.values(config.disks));
      const moves = j.through.flatMap((peer, i): readonly VmOp[] => {
        const server = stages[i] ?? t.server;
        const move: Extract<VmOp, { verb: 'migrate' }> = {
          ...here,
          name,
          server,
          verb: 'migrate',
          peer,
          address: j.addresses[peer] ?? peer,
          key: j.key,
          config,
          // One that comes back keeps its cfg.
          leaves: i === 0 && to !== t.server ? left : null,
        };
        // Where it leaves its cfg, they are closed before that goes.
        const closed = move.leaves === null ? inUse('deactivate', server, volumes) : [];
        return [...inUse('activate', peer, volumes), move, ...closed];
      });
      // Paused, it would not get far: nothing leaves its server that stands still.
      const wake: readonly VmOp[] = t.state === 'unpause' ? [{ ...here, verb: 'unpause', saved: t.saved }] : [];
      return [...wake, ...before, define, ...moves, ...settled, ...pinned, ...after];
    }
    case 'suspend': {
      const config = configOnTheWay(t, name);
      const { image } = j;
      if (!image) return [];
      const saved = { file: image.path, config };
      return [
        ...before,
        define,
        {
          ...here,
          name,
          verb: 'suspend',
          ...saved,
          folder: image.folder,
          farm: t.farm,
          repository: image.repository,
          leaves: returns ? null : left,
        },
        { ...there, name, verb: 'resume', ...saved, path, lease: t.lease },
        ...(link !== null || update ? settled.map((op) => ({ ...op, lease: null }) as VmOp) : []),
        ...pinned,
        ...after,
        ...awaited,
      ];
    }
    case 'down': {
      const d = t.live?.domain;
      const life = lifeOf(t.live);
      const ended = life === 'crashed' || life === 'ended' || life === 'dying';
      const held = t.lease && t.lease.replaces !== 'absent' ? { path: t.lease.path, digest: t.lease.replaces } : null;
      const up = t.mode === 'restart' || t.state === 'start';
      const wake: readonly VmOp[] = life === 'paused' ? [{ ...here, verb: 'unpause', saved: t.saved }] : [];
      const stop: readonly VmOp[] = d
        ? [
            ...wake,
            {
              ...here,
              name: d.name,
              verb: 'stop',
              deadlineMs: t.want.shutdownMs,
              force: t.force || ended,
              ended,
              lease: held,
              volumes: volumesAmong(d.disks),
            },
          ]
        : // Nobody closed them where it went down by itself.
          inUse('deactivate', t.server, volumesAmong(Object.values(t.live?.record?.config?.disks ?? {})));
      const lease = t.lease && d && held ? { ...t.lease, replaces: 'absent' as const } : t.lease;
      const paused = t.want.state === 'paused';
      const start: readonly VmOp[] = !up
        ? []
        : t.saved !== null && !paused
          ? [{ ...there, verb: 'resume', file: t.saved, path, config: record.config, lease }]
          : [{ ...there, verb: 'start', path, paused, clear: false, config: record.config, lease }];
      return [define, ...stop, ...start, ...autostart, ...forget, ...(up && !paused ? awaited : [])];
    }
  }
};
