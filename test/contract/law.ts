/**
 * The contract of a farm, one suite for the simulator and for real Xen. The one law, for each verb:
 * decode(after) = effects(op) applied to decode(before). Besides, what xl says and how it exits when it fails.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareReadings, type Readings } from '../../src/apply/readings.ts';
import { restless } from '../../src/cli/observe.ts';
import { isUnknown } from '../../src/core/port.ts';
import { ref } from '../../src/core/ref.ts';
import type { ServerSeen } from '../../src/kinds/server/live.ts';
import { applyEffects, effects, viewOf } from '../../src/kinds/vm/effects.ts';
import type { LiveVm, Marker } from '../../src/kinds/vm/live.ts';
import type { CfgDraft, VmOp } from '../../src/kinds/vm/ops.ts';
import {
  plainDisk,
  plainNic,
  type NicConfig,
  type Settings,
  type VmConfig,
  type VmType,
} from '../../src/kinds/vm/spec.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { carry, type HeldServer } from './carry.ts';
import { failures } from './failures.ts';

export interface ContractFarm extends HeldServer {
  readonly kernel: string;
  readonly ramdisk: string;
  /** Two raw images that nobody uses. */
  readonly disks: readonly [string, string];
  readonly qcow2: string;
  readonly isos: readonly [string, string];
  readonly bridges: readonly [string, string];
  /** A second cpupool, there between `true` and `false`: it takes a CPU away from all others. */
  readonly cpupool: string;
  secondPool(there: boolean): Promise<unknown>;
  /** A guest with this on its command line answers there, for `ready`. */
  readonly listens: { readonly cmdline: string; readonly host: string; readonly port: number };
  /** Until the guest has come up for the `n`th time: while it boots, it may crash, and a request to shut down may be lost. */
  awake(name: string, n: number): Promise<unknown>;
  /** As a person at the dom0 would run it. */
  hand(argv: readonly string[]): Promise<{ readonly rc: number; readonly out: string; readonly err: string }>;
  close(): Promise<void>;
}

const MiB = 1024;
const uuid = '2f1c5c0e-7d1b-5e0a-8c55-0a1b2c3d4e5f';
const name = 'law';
const path = '/etc/xen/law.cfg';
const vm = ref('vm', name);
const macs = ['02:00:00:00:1a:01', '02:00:00:00:1a:02'] as const;

const marker = (generation: number): Marker => ({
  farm: 'contract',
  vm: name,
  uuid,
  home: 'any',
  generation,
  origin: 'created',
  protect: false,
  macs: { eth0: macs[0] },
  applied: { 'memory.target': 128 * MiB },
  by: '0.0.0',
});

/** The VM with this UUID, as plan/match would join it. */
const liveOf = (server: string, seen: ServerSeen): LiveVm | null => {
  const domain = seen.domains.find((d) => d.uuid === uuid) ?? null;
  const record = seen.records.find((r) => r.config?.uuid === uuid) ?? null;
  return domain || record ? { server, uuid, domain, record, marker: record?.marker ?? null } : null;
};

/** A guest of this type that boots where emulation is slow, in MiB. */
const sizes: Readonly<Record<VmType, { readonly low: number; readonly target: number; readonly max: number }>> = {
  pvh: { low: 112, target: 128, max: 160 },
  pv: { low: 160, target: 192, max: 208 },
  hvm: { low: 224, target: 256, max: 272 },
};

/** The steps of one type's walk, by name; each is held against the law. */
type Walk = readonly (readonly [string, () => VmOp, { before?: () => unknown; after?: () => unknown }?])[];

/** `wider`: what costs no guest type anything of its own is walked once, by the type that boots fastest. */
export const contract = (title: string, type: VmType, open: () => Promise<ContractFarm>): void => {
  const wider = type === 'pvh';
  describe(`${title} keeps the one law: ${type}`, () => {
    let farm: ContractFarm;
    let seen: ServerSeen;
    let last: ServerSeen | null = null;
    let readings: Readings;
    let births = 0;
    let unborn = false;

    beforeAll(async () => {
      farm = await open();
      const shared = shareReadings(farm.control, xl, farm.clock);
      const wide =
        (read: Readings['read']): Readings['read'] =>
        async (server, _, paths) => {
          const answer = await read(server, 'all', paths);
          last = isUnknown(answer) ? null : answer;
          return answer;
        };
      readings = { ...shared, read: wide(shared.read), recent: wide(shared.recent) };
      seen = await look();
    }, 1_200_000);
    afterAll(async () => farm?.close());

    /** Looks again while something is between two lives, as planning does: an emulated guest may reboot by itself as it boots. */
    const look = async (): Promise<ServerSeen> => {
      for (let again = 0; ; again += 1) {
        const answer = await farm.control.read(farm.server, xl.reading('all', []));
        if (isUnknown(answer)) throw new Error(answer.why);
        if (!restless(answer) || again === 60) return answer;
        await farm.clock.sleep(3000);
      }
    };

    const doOne = async (op: VmOp): Promise<string | null> => {
      const why = await carry(farm, readings, op);
      const starts = (op.verb === 'start' && !op.paused) || op.verb === 'restart';
      const boots = starts || op.verb === 'unpause';
      // One that is started paused comes up when it is let go, if ever.
      if (starts || (boots && unborn)) births += 1;
      if (boots || op.verb === 'start') unborn = !boots;
      // What is read after an operation is what its conditions were held against: no need to look once more, unless time has passed.
      if (boots || op.verb === 'ready') last = null;
      if (why === null && boots) await farm.awake(name, births);
      return why;
    };

    /** Does it, and holds what came of it against what its effects promise. */
    const lawful = async (op: VmOp): Promise<void> => {
      const promised = applyEffects(
        effects(op, () => 0),
        viewOf(liveOf(farm.server, seen)),
      );
      expect(await doOne(op)).toBeNull();
      seen = last && !restless(last) ? last : await look();
      expect(viewOf(liveOf(farm.server, seen))).toEqual(promised);
    };

    const size = sizes[type];
    const settings: Settings =
      type === 'hvm'
        ? { 'display.vnc.port': 5905, serial: 'pty', tablet: true, 'boot.order': ['cdrom', 'disk'] }
        : { 'sched.weight': 300, 'on.crash': 'restart' };
    const config = (more: Partial<VmConfig> = {}): VmConfig => ({
      name,
      uuid,
      type,
      vcpus: { count: 1, max: 2 },
      memory: { target: size.target * MiB, max: size.max * MiB },
      boot: {
        kernel: farm.kernel,
        ramdisk: farm.ramdisk,
        cmdline: `console=hvc0 quiet ${farm.listens.cmdline}`.trim(),
      },
      settings,
      disks: { xvda: { ...plainDisk, path: farm.disks[0] } },
      cdroms: type === 'hvm' ? { hdc: { path: farm.isos[0] }, hdd: { path: '' } } : {},
      nics: [{ ...plainNic, mac: macs[0], bridge: farm.bridges[0] }],
      extra: [],
      ...more,
    });
    /** What the restart brings, and the start after it. */
    const restarted = (): VmConfig =>
      config({
        vcpus: { count: 1, max: 1 },
        memory: { target: size.target * MiB, max: size.target * MiB },
        settings: { ...settings, 'on.poweroff': 'destroy', 'on.crash': 'destroy', 'affinity.soft': '0' },
      });
    const base = (): { vm: typeof vm; server: string; uuid: string; name: string } => ({
      vm,
      server: farm.server,
      uuid,
      name,
    });
    const digestAt = (at: string): string => seen.records.find((r) => r.path === at)?.digest ?? 'absent';
    const draft = (generation: number, c: VmConfig): CfgDraft => {
      const to = `/etc/xen/${c.name}.cfg`;
      const old = liveOf(farm.server, seen)?.record;
      const from = old && old.path !== to ? { path: old.path, digest: old.digest } : null;
      return { path: to, marker: marker(generation), config: c, replaces: digestAt(to), from };
    };
    const quiet = { deadlineMs: 300_000, force: false };
    const links = (): readonly string[] => liveOf(farm.server, seen)?.record?.autostart ?? [];
    const link = '/etc/xen/auto/05-law.cfg';
    const linkB = '/etc/xen/auto/05-law-b.cfg';
    const start = (paused: boolean, c: () => VmConfig) => (): VmOp => ({
      ...base(),
      verb: 'start',
      lease: null,
      path,
      paused,
      clear: false,
      config: c(),
    });
    const disk = { ...plainDisk, access: 'ro' as const };
    const device = (): NicConfig => ({ ...plainNic, mac: macs[1], bridge: farm.bridges[0] });

    // HVM boots for minutes where it is emulated: its first life ends before it has begun.
    const forced = { deadlineMs: 5000, force: true };
    const pausedBegin: Walk = [
      ['start paused', start(true, config)],
      [
        'restart',
        () => ({
          ...base(),
          verb: 'restart',
          lease: null,
          record: draft(2, config()),
          write: true,
          copies: [],
          ...forced,
        }),
      ],
    ];
    const begin: Walk = [
      ['define', () => ({ ...base(), verb: 'define', record: draft(1, config()), update: false })],
      ['autostart', () => ({ ...base(), verb: 'autostart', via: null, path, on: true, link, links: [] })],
      ...(type === 'hvm' ? pausedBegin : [['start', start(false, config)] as const]),
    ];
    const moreVcpus: Walk[number] = ['set-vcpus up', () => ({ ...base(), verb: 'set-vcpus', count: 2, from: 1 })];
    const fewerVcpus: Walk[number] = ['set-vcpus down', () => ({ ...base(), verb: 'set-vcpus', count: 1, from: 2 })];
    // Two vCPUs of an emulated HVM guest wait for each other most of the time, for minutes where others are at work, and it
    // keeps them: it gets the second one last.
    const vcpus: Walk = type === 'hvm' ? [] : [moreVcpus, fewerVcpus];
    const resources: Walk = [
      ['set-memory down', () => ({ ...base(), verb: 'set-memory', kib: size.low * MiB, from: size.target * MiB })],
      ['set-memory up', () => ({ ...base(), verb: 'set-memory', kib: size.target * MiB, from: size.low * MiB })],
      ...vcpus,
      ['set-sched', () => ({ ...base(), verb: 'set-sched', weight: 512, cap: 80, scheduler: 'credit2' })],
      ['set-affinity', () => ({ ...base(), verb: 'set-affinity', hard: '0', soft: 'all' })],
      ['set-affinity back', () => ({ ...base(), verb: 'set-affinity', hard: 'all', soft: 'all' })],
    ];
    const pools: Walk = [
      [
        'set-cpupool',
        () => ({ ...base(), verb: 'set-cpupool', pool: farm.cpupool, from: 'Pool-0' }),
        { before: () => farm.secondPool(true) },
      ],
      [
        'set-cpupool back',
        () => ({ ...base(), verb: 'set-cpupool', pool: 'Pool-0', from: farm.cpupool }),
        { after: () => farm.secondPool(false) },
      ],
    ];
    const media: Walk = [
      ['change-cd', () => ({ ...base(), verb: 'change-cd', vdev: 'hdc', path: farm.isos[1], from: farm.isos[0] })],
      ['change-cd out', () => ({ ...base(), verb: 'change-cd', vdev: 'hdc', path: null, from: farm.isos[1] })],
      ['change-cd in', () => ({ ...base(), verb: 'change-cd', vdev: 'hdc', path: farm.isos[0], from: '' })],
    ];
    const devices: Walk = [
      ['attach-disk', () => ({ ...base(), verb: 'attach-disk', vdev: 'xvdb', disk: { ...disk, path: farm.disks[1] } })],
      ['detach-disk', () => ({ ...base(), verb: 'detach-disk', vdev: 'xvdb', path: farm.disks[1] })],
      [
        'attach-nic',
        () => ({
          ...base(),
          verb: 'attach-nic',
          nic: 'eth1',
          mac: macs[1],
          bridge: farm.bridges[0],
          device: { ...device(), rate: '1250000B/s@50000us' },
        }),
      ],
      [
        'move-nic',
        () => ({
          ...base(),
          verb: 'move-nic',
          nic: 'eth1',
          mac: macs[1],
          bridge: farm.bridges[1],
          from: farm.bridges[0],
        }),
      ],
      ['detach-nic', () => ({ ...base(), verb: 'detach-nic', nic: 'eth1', mac: macs[1] })],
    ];
    const names: Walk = [
      [
        'define under another name',
        () => ({ ...base(), verb: 'define', record: draft(2, config({ name: 'law-b' })), update: false }),
      ],
      [
        'autostart under it',
        () => ({
          ...base(),
          verb: 'autostart',
          via: null,
          path: '/etc/xen/law-b.cfg',
          on: true,
          link: linkB,
          links: [link],
        }),
      ],
      ['rename', () => ({ ...base(), verb: 'rename', to: 'law-b' })],
      ['define under the old name', () => ({ ...base(), verb: 'define', record: draft(3, config()), update: false })],
      ['rename back', () => ({ ...base(), name: 'law-b', verb: 'rename', to: name })],
      ['autostart again', () => ({ ...base(), verb: 'autostart', via: null, path, on: true, link, links: [linkB] })],
    ];
    const waiting: Walk = [
      [
        'ready',
        () => ({
          ...base(),
          verb: 'ready',
          ready: { host: farm.listens.host, port: farm.listens.port, from: 'dom0', withinMs: 300_000 },
        }),
      ],
      [
        'define for later',
        () => ({ ...base(), verb: 'define', record: draft(4, config({ vcpus: { count: 1, max: 1 } })), update: true }),
      ],
    ];
    const pause: Walk = [
      ['pause', () => ({ ...base(), verb: 'pause' })],
      ['unpause', () => ({ ...base(), verb: 'unpause', saved: null })],
    ];
    const restart: Walk = [
      [
        'restart',
        () => ({
          ...base(),
          verb: 'restart',
          lease: null,
          record: draft(5, restarted()),
          write: true,
          copies: [],
          ...quiet,
        }),
      ],
    ];
    const stop: Walk = [
      ['stop', () => ({ ...base(), verb: 'stop', ended: false, lease: null, volumes: [], ...quiet })],
    ];
    const pausedStart: Walk = [
      ['start paused', start(true, restarted)],
      ['unpause what was started paused', () => ({ ...base(), verb: 'unpause', saved: null })],
      ['stop again', () => ({ ...base(), verb: 'stop', ended: false, lease: null, volumes: [], ...quiet })],
    ];
    const leave: Walk = [
      ['autostart off', () => ({ ...base(), verb: 'autostart', via: null, path, on: false, link, links: links() })],
      ['release', () => ({ ...base(), verb: 'release', path, digest: digestAt(path) })],
      ['undefine', () => ({ ...base(), verb: 'undefine', path, digest: digestAt(path), links: links() })],
    ];
    const walk: Walk = [
      ...begin,
      ...(wider ? waiting.slice(0, 1) : []),
      ...resources,
      ...(wider ? pools : []),
      ...(type === 'hvm' ? media : []),
      ...devices,
      ...pause,
      ...(wider ? names : []),
      ...(wider ? waiting.slice(1) : []),
      ...(type === 'hvm' ? [moreVcpus] : []),
      ...(type === 'hvm' ? [] : restart),
      ...stop,
      ...(wider ? pausedStart : []),
      ...leave,
    ];
    it.each(walk.map(([what], i) => [what, i] as const))(
      '%s',
      async (_, i) => {
        const [, make, around] = walk[i] as Walk[number];
        await around?.before?.();
        await lawful(make());
        await around?.after?.();
      },
      1_200_000,
    );

    it('leaves nothing behind', () => expect(liveOf(farm.server, seen)).toBeNull());

    failures(type, {
      farm: () => farm,
      look: async () => {
        seen = await look();
        return seen;
      },
      domain: () => liveOf(farm.server, seen)?.domain ?? null,
      doOne,
      define: () => ({ ...base(), verb: 'define', record: draft(1, config()), update: false }),
      start: (more = {}, paused = false) => start(paused, () => config(more))(),
      op: base,
      path,
      macs,
    });
  });
};
