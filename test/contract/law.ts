/**
 * The contract of a farm, one suite for the simulator and for real Xen. The one law, for each verb:
 * decode(after) = effects(op) applied to decode(before). Besides, what xl says and how it exits when it fails.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carryOut } from '../../src/apply/operation.ts';
import { shareReadings } from '../../src/apply/readings.ts';
import type { World } from '../../src/apply/world.ts';
import { restless } from '../../src/cli/observe.ts';
import { isUnknown, type Control } from '../../src/core/port.ts';
import { ref } from '../../src/core/ref.ts';
import type { ServerSeen } from '../../src/kinds/server/live.ts';
import { applyEffects, effects, viewOf } from '../../src/kinds/vm/effects.ts';
import { idOf } from '../../src/kinds/vm/describe.ts';
import type { LiveVm, Marker } from '../../src/kinds/vm/live.ts';
import type { CfgDraft, VmOp } from '../../src/kinds/vm/ops.ts';
import type { VmConfig } from '../../src/kinds/vm/spec.ts';
import { pathsOf, xl } from '../../src/toolstacks/xl/index.ts';

export interface ContractFarm {
  /** The server that the suite works on, as the control knows it. */
  readonly server: string;
  /** Held already. */
  readonly control: Control;
  readonly clock: World['clock'];
  readonly kernel: string;
  readonly ramdisk: string;
  /** Two raw images that nobody uses. */
  readonly disks: readonly [string, string];
  readonly bridges: readonly [string, string];
  /** Until the guest has come up for the `n`th time: while it boots, it may crash, and a request to shut down may be lost. */
  awake(name: string, n: number): Promise<unknown>;
  /** As a person at the dom0 would run it. */
  hand(argv: readonly string[]): Promise<{ readonly rc: number; readonly out: string; readonly err: string }>;
  close(): Promise<void>;
}

const MiB = 1024;
const uuid = '2f1c5c0e-7d1b-5e0a-8c55-0a1b2c3d4e5f';
const other = '2f1c5c0e-7d1b-5e0a-8c55-0a1b2c3d4e60';
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

export const contract = (title: string, open: () => Promise<ContractFarm>): void => {
  describe(`${title} keeps the one law`, () => {
    let farm: ContractFarm;
    let seen: ServerSeen;
    let serial = 0;
    let births = 0;

    beforeAll(async () => {
      farm = await open();
      seen = await look();
    }, 600_000);
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

    const never = new AbortController().signal;
    const doOne = async (op: VmOp): Promise<string | null> => {
      const world: World = {
        control: farm.control,
        toolstack: xl,
        clock: farm.clock,
        who: { who: 'contract', from: 'here', since: '', epoch: '' },
        onEvent: () => undefined,
        cancel: { stop: never, detach: never },
        pathsOf,
        fresh: () => [],
      };
      const read = shareReadings(farm.control, xl, farm.clock);
      const id = idOf(op);
      const operation = {
        id,
        op,
        target: vm,
        server: farm.server,
        needs: [],
        lane: null,
        disruption: 'none' as const,
        reason: '',
        estimate: { ms: 0, downtimeMs: 0 },
        commands: [],
      };
      const trouble = await carryOut(operation, `law-${serial++}`, world, read, () => undefined);
      if (op.verb === 'start' || op.verb === 'restart') births += 1;
      const boots = (op.verb === 'start' && !op.paused) || op.verb === 'restart' || op.verb === 'unpause';
      if (!trouble && boots) await farm.awake(name, births);
      return trouble?.why ?? null;
    };

    /** Does it, and holds what came of it against what its effects promise. */
    const lawful = async (op: VmOp): Promise<void> => {
      const promised = applyEffects(
        effects(op, () => 0),
        viewOf(liveOf(farm.server, seen)),
      );
      expect(await doOne(op)).toBeNull();
      seen = await look();
      expect(viewOf(liveOf(farm.server, seen))).toEqual(promised);
    };

    const config = (more: Partial<VmConfig> = {}): VmConfig => ({
      name,
      uuid,
      type: 'pvh',
      vcpus: { count: 1, max: 2 },
      memory: { target: 128 * MiB, max: 160 * MiB },
      boot: { kernel: farm.kernel, ramdisk: farm.ramdisk, cmdline: 'console=hvc0 quiet' },
      disks: { xvda: { path: farm.disks[0], access: 'rw', format: 'raw', extra: [] } },
      nics: [{ mac: macs[0], bridge: farm.bridges[0], extra: [] }],
      extra: [],
      ...more,
    });
    const base = (): { vm: typeof vm; server: string; uuid: string; name: string } => ({
      vm,
      server: farm.server,
      uuid,
      name,
    });
    const draft = (generation: number, c: VmConfig): CfgDraft => ({
      path,
      marker: marker(generation),
      config: c,
      replaces: seen.records.find((r) => r.path === path)?.digest ?? 'absent',
    });
    const quiet = { deadlineMs: 300_000, force: false };
    const links = (): readonly string[] => liveOf(farm.server, seen)?.record?.autostart ?? [];
    const disk = { path: '', access: 'ro' as const, format: 'raw', extra: [] };

    const walk: readonly [string, () => VmOp][] = [
      ['define', () => ({ ...base(), verb: 'define', record: draft(1, config()), update: false })],
      ['autostart', () => ({ ...base(), verb: 'autostart', path, on: true, links: [] })],
      ['start', () => ({ ...base(), verb: 'start', path, paused: false, clear: false, config: config() })],
      ['set-memory down', () => ({ ...base(), verb: 'set-memory', kib: 112 * MiB, from: 128 * MiB })],
      ['set-memory up', () => ({ ...base(), verb: 'set-memory', kib: 128 * MiB, from: 112 * MiB })],
      ['set-vcpus up', () => ({ ...base(), verb: 'set-vcpus', count: 2, from: 1 })],
      ['set-vcpus down', () => ({ ...base(), verb: 'set-vcpus', count: 1, from: 2 })],
      ['attach-disk', () => ({ ...base(), verb: 'attach-disk', vdev: 'xvdb', disk: { ...disk, path: farm.disks[1] } })],
      ['detach-disk', () => ({ ...base(), verb: 'detach-disk', vdev: 'xvdb', path: farm.disks[1] })],
      ['attach-nic', () => ({ ...base(), verb: 'attach-nic', nic: 'eth1', mac: macs[1], bridge: farm.bridges[0] })],
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
      ['pause', () => ({ ...base(), verb: 'pause' })],
      ['unpause', () => ({ ...base(), verb: 'unpause' })],
      [
        'define for later',
        () => ({ ...base(), verb: 'define', record: draft(2, config({ vcpus: { count: 1, max: 1 } })), update: true }),
      ],
      [
        'restart',
        () => ({
          ...base(),
          verb: 'restart',
          record: draft(3, config({ vcpus: { count: 2, max: 2 }, memory: { target: 144 * MiB, max: 144 * MiB } })),
          write: true,
          ...quiet,
        }),
      ],
      ['stop', () => ({ ...base(), verb: 'stop', ...quiet })],
      [
        'start paused',
        () => ({
          ...base(),
          verb: 'start',
          path,
          paused: true,
          clear: false,
          config: config({ vcpus: { count: 2, max: 2 }, memory: { target: 144 * MiB, max: 144 * MiB } }),
        }),
      ],
      ['unpause what was started paused', () => ({ ...base(), verb: 'unpause' })],
      ['stop again', () => ({ ...base(), verb: 'stop', ...quiet })],
      ['autostart off', () => ({ ...base(), verb: 'autostart', path, on: false, links: links() })],
      [
        'undefine',
        () => ({
          ...base(),
          verb: 'undefine',
          path,
          digest: seen.records.find((r) => r.path === path)?.digest ?? '',
          links: links(),
        }),
      ],
    ];
    it.each(walk)('%s', async (_, make) => lawful(make()), 600_000);

    it('leaves nothing behind', () => expect(liveOf(farm.server, seen)).toBeNull());

    /** What xl itself says, run by hand: the words that Reeve passes on, and the exit codes it relies on. */
    describe('xl fails as it does', () => {
      const said = async (argv: readonly string[]): Promise<{ rc: number; text: string }> => {
        const { rc, out, err } = await farm.hand(argv);
        return { rc, text: `${out}${err}` };
      };
      beforeAll(async () => {
        expect(await doOne({ ...base(), verb: 'define', record: draft(1, config()), update: false })).toBeNull();
        expect(
          await doOne({ ...base(), verb: 'start', path, paused: false, clear: false, config: config() }),
        ).toBeNull();
      }, 600_000);

      const cases: readonly [string, () => readonly string[], number, RegExp][] = [
        ['an unknown domain', () => ['xl', 'pause', 'nosuch'], 1, /nosuch is an invalid domain identifier \(rc=-6\)/],
        [
          'a second domain of one name',
          () => ['xl', 'create', '-q', path],
          3,
          /Domain with name "law" already exists\./,
        ],
        [
          'memory above the maximum',
          () => ['xl', 'mem-set', name, '999m'],
          1,
          /memory_dynamic_max must be less than or equal to memory_static_max/,
        ],
        [
          'more vCPUs than the host',
          () => ['xl', 'vcpu-set', name, '64'],
          1,
          /You are overcommmitting! You have \d+ physical CPUs and want 64 vCPUs!/,
        ],
        [
          'a disk that is there',
          () => ['xl', 'block-attach', name, `format=raw,vdev=xvda,access=rw,target=${farm.disks[0]}`],
          1,
          /device already exists in xenstore/,
        ],
        [
          'a bridge that is not there',
          () => ['xl', 'network-attach', name, 'mac=02:00:00:00:1a:09', 'bridge=nobr'],
          1,
          /Could not find bridge device nobr/,
        ],
        [
          'a kernel that is not there',
          () => [
            'xl',
            'create',
            '-q',
            path,
            'name="ghost"',
            `uuid="${other}"`,
            'kernel="/no/such/kernel"',
            'disk=[]',
            'vif=[]',
          ],
          3,
          /\/no\/such\/kernel/,
        ],
      ];
      it.each(cases)(
        'on %s',
        async (_, argv, rc, words) => {
          const { rc: exit, text } = await said(argv());
          expect(text).toMatch(words);
          expect(exit).toBe(rc);
        },
        600_000,
      );

      it('and a refused attach leaves a ghost vif, which Reeve’s own attach does not', async () => {
        const ghost = (await look()).domains
          .find((d) => d.uuid === uuid)
          ?.nics.find((n) => n.mac === '02:00:00:00:1a:09');
        expect(ghost).toMatchObject({ devid: 1 });
        expect((await said(['xl', 'network-detach', name, '1'])).rc).toBe(0);
        const why = await doOne({ ...base(), verb: 'attach-nic', nic: 'eth1', mac: macs[1], bridge: 'nobr' });
        expect(why).toMatch(/nobr/);
        seen = await look();
        expect(liveOf(farm.server, seen)?.domain?.nics.map((n) => n.mac)).toEqual([macs[0]]);
      }, 600_000);

      it('and a start that fails leaves no domain', async () => {
        expect((await said(['xl', 'destroy', name])).rc).toBe(0);
        seen = await look();
        const broken = config({ boot: { kernel: '/no/such/kernel', ramdisk: null, cmdline: null } });
        const why = await doOne({ ...base(), verb: 'start', path, paused: false, clear: false, config: broken });
        expect(why).toMatch(/\/no\/such\/kernel/);
        seen = await look();
        expect(liveOf(farm.server, seen)?.domain).toBeNull();
      }, 600_000);
    });
  });
};
