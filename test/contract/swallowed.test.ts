/** A Xen that swallows a change: its tools exit with 0, and nothing comes of it. No operation is done then, and the plan, the drift and the status go on saying what `xl list` says. */
import { afterEach, expect, it } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { dom0, openPool, poolText } from './pool-farm.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
afterEach(async () => rig.close());

const MiB = 1024;
const paths = ['/srv/vmlinuz', '/srv/a.img', '/srv/b.img', '/srv/a.iso', '/srv/b.iso'];

const openDom0 = async (xenVersion?: string): Promise<void> => {
  rig = await openRig({
    servers: [
      {
        name: 'dom01',
        memoryMiB: 4096,
        dom0MiB: 1024,
        cpus: 4,
        bridges: ['xenbr0', 'xenbr1'],
        cpupools: ['Pool-0', 'other'],
        paths,
        xenVersion,
      },
    ],
    speed: Infinity,
    seed: 'swallowed',
  });
};

const text = (vm: string): string => `farm: p
servers: { dom01: { address: a } }
networks: { lan: { bridge: xenbr0 }, dmz: { bridge: xenbr1 } }
vms: { web: { ${vm} } }
`;
const pvh = 'type: pvh, boot: { kernel: /srv/vmlinuz }';
const small = 'memory: { target: 256MiB, max: 512MiB }, vcpus: { count: 1, max: 2 }';
const disks = 'disks: { xvda: { path: /srv/a.img } }';
const two = 'disks: { xvda: { path: /srv/a.img }, xvdb: { path: /srv/b.img } }';
const plain = `${pvh}, ${small}, ${disks}, networks: [lan]`;
const drive = (iso: string | null): string =>
  `type: hvm, memory: 256MiB, ${disks}, cdrom: { hdc: ${iso === null ? '{}' : `{ path: ${iso} }`} }`;

type Allow = PlanOptions['allow'];
const devices: Allow = [{ disruption: 'device', pattern: '*' }];
const stops: Allow = [{ disruption: 'stop', pattern: '*' }];
const forces: Allow = [{ disruption: 'data-loss', pattern: '*' }];

interface Swallow {
  readonly verb: string;
  readonly swallows: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly allow?: Allow;
  /** The field that the plan goes on to show. */
  readonly field: string;
}
const row = (verb: string, swallows: string, field: string, from: string, to: string, allow: Allow = []): Swallow => ({
  verb,
  swallows: swallows.split(' '),
  field,
  from,
  to,
  allow,
});

const more = plain.replace('count: 1', 'count: 2');
const larger = plain.replace('256MiB', '384MiB');
const dmz = plain.replace('[lan]', '[dmz]');
const nics = plain.replace('[lan]', '[lan, dmz]');
const limited = plain.replace('networks: [lan]', 'nics: { eth0: { network: lan, rate: 10Mb/s } }');

const rows: readonly Swallow[] = [
  row('set-vcpus', 'vcpu-set', 'vcpus.count', plain, more),
  row('set-vcpus', 'vcpu-set/wish', 'vcpus.count', plain, more),
  row('set-vcpus', 'vcpu-set', 'vcpus.count', more, plain),
  row('set-vcpus', 'vcpu-set/wish', 'vcpus.count', more, plain),
  row('set-memory', 'mem-set', 'memory.target', plain, larger),
  row('set-memory', 'mem-set/wish', 'memory.target', plain, larger),
  row('set-memory', 'mem-set', 'memory.target', larger, plain),
  row('set-memory', 'mem-set/wish', 'memory.target', larger, plain),
  row('set-sched', 'sched-credit2', 'sched.weight', plain, `${plain}, sched: { weight: 512 }`),
  row('set-sched', 'sched-credit2', 'sched.cap', plain, `${plain}, sched: { cap: 50 }`),
  row('set-affinity', 'vcpu-pin', 'affinity.hard', plain, `${plain}, affinity: "0"`),
  row('set-cpupool', 'cpupool-migrate', 'cpupool', plain, `${plain}, cpupool: other`),
  row('rename', 'rename', 'name', plain, `${plain}, name: www`),
  row('attach-disk', 'block-attach', 'disks.xvdb', plain, plain.replace(disks, two)),
  row('attach-disk', 'block-attach/wish', 'disks.xvdb', plain, plain.replace(disks, two)),
  row('detach-disk', 'block-detach', 'disks.xvdb', plain.replace(disks, two), plain, devices),
  row('attach-nic', 'network-attach', 'nics.eth1', plain, nics),
  row('attach-nic', 'network-attach/wish', 'nics.eth1', plain, nics),
  row('detach-nic', 'network-detach', 'nics.eth1', nics, plain, devices),
  row('detach-nic', 'network-detach', 'nics.eth0', plain, limited, devices),
  row('move-nic', 'ip', 'nics.eth0', plain, dmz),
  row('change-cd', 'cd-insert', 'cdrom.hdc', drive('/srv/a.iso'), drive('/srv/b.iso')),
  row('change-cd', 'cd-eject', 'cdrom.hdc', drive('/srv/a.iso'), drive(null)),
  row('pause', 'pause', 'state', plain, `${plain}, state: paused`, stops),
  row('unpause', 'unpause', 'state', `${plain}, state: paused`, plain, stops),
  row('stop', 'shutdown', 'state', plain, `${plain}, state: stopped`, stops),
  row('stop', 'shutdown trigger destroy', 'state', plain, `${plain}, state: stopped`, forces),
  row('start', 'create', 'state', `${plain}, state: stopped`, plain),
  row('restart', 'shutdown', 'vcpus.max', plain, plain.replace('max: 2', 'max: 3'), [
    { disruption: 'restart', pattern: '*' },
  ]),
  row('autostart', 'ln', 'autostart', `${plain}, autostart: false`, plain),
  row('autostart', 'rm', 'autostart', plain, `${plain}, autostart: false`),
  row('define', 'config-update', 'vcpus.max', plain, plain.replace('max: 2', 'max: 3')),
];

/** The VM's row of `xl list`: its memory in MiB, and its vCPUs. */
const listed = async (): Promise<readonly number[]> => {
  const { out } = await rig.sim.hand('dom01', ['xl', 'list']);
  const line = out.split('\n').find((l) => /^(?:web|www) /.test(l));
  return (line ?? '').split(/\s+/).slice(2, 4).map(Number);
};

const planOf = async (vm: string, allow: Allow = []): Promise<Plan> => rig.plan((await load(text(vm))).farm, { allow });

const changesOf = (plan: Plan): readonly string[] => plan.vms.flatMap((v) => v.changes.map((c) => c.field));

it.each(rows.map((r) => [r.verb, r.swallows.join(', '), r.field, r] as const))(
  '%s is not done where %s is swallowed, and %s differs ever after',
  async (_, __, field, { verb, swallows, from, to, allow }) => {
    await openDom0();
    const first = await rig.apply(await planOf(from));
    expect(first.failed).toEqual([]);
    await rig.sim.settle();
    expect((await planOf(from)).operations).toEqual([]);
    const had = await listed();

    rig.sim.faults('dom01').swallow(swallows);
    const plan = await planOf(to, allow);
    const id = plan.operations.find((o) => o.op.verb === verb)?.id;
    expect(id).toBeDefined();
    const { done, failed } = await rig.apply(plan);
    expect(done).not.toContain(id);
    expect(failed.map((f) => f.id)).toEqual([id]);
    // What was asked for, what is seen, and after how long.
    expect(failed[0]?.why).toMatch(/\(after \d+ (?:s|min)[^)]*\)/);
    await rig.sim.settle();

    expect(await listed()).toEqual(had);
    const again = await planOf(to, allow);
    expect(changesOf(again)).toContain(field);

    // Once nothing is swallowed any more, the same file is reached: here by a restart where the live way was tried.
    rig.sim.faults('dom01').swallow([]);
    const restart: Allow = [...(allow ?? []), { disruption: 'restart', pattern: '*' }];
    for (let i = 0; i < 3; i += 1) {
      await rig.apply(await planOf(to, restart));
      await rig.sim.settle();
    }
    expect((await planOf(to)).operations).toEqual([]);
    expect(changesOf(await planOf(to, restart))).toEqual([]);
  },
);

it('what was told and not followed is shown as it is: not as the wish has it', async () => {
  await openDom0();
  await rig.apply(await planOf(plain));
  await rig.sim.settle();
  rig.sim.faults('dom01').swallow(['vcpu-set/wish', 'mem-set/wish']);
  await rig.sim.hand('dom01', ['xl', 'vcpu-set', 'web', '2']);
  await rig.sim.hand('dom01', ['xl', 'mem-set', 'web', '384m']);
  expect(await listed()).toEqual([256, 1]);
  const plan = await planOf(more.replace('256MiB', '384MiB'));
  expect(plan.vms.flatMap((v) => v.changes).map((c) => [c.field, c.want, c.have.running])).toEqual([
    ['memory.target', { is: 'value', value: 384 * MiB }, { is: 'value', value: 256 * MiB }],
    ['vcpus.count', { is: 'value', value: 2 }, { is: 'value', value: 1 }],
  ]);
});

it.each(['4.19.4', '4.20.2', '4.20.5-pre', '4.21.0', '4.22.0', '5.0.0'])(
  'Xen %s plugs no vCPU into a PVH guest: the plan asks for a restart',
  async (version) => {
    await openDom0(version);
    await rig.apply(await planOf(plain));
    await rig.sim.settle();
    const waits = await planOf(more);
    expect(waits.operations.map((o) => o.op.verb)).toEqual(['define']);
    expect(waits.vms[0]?.changes).toMatchObject([{ field: 'vcpus.count', fate: 'defer' }]);
    expect(waits.vms[0]?.changes[0]?.ways[0]?.illegal).toBe(`Xen ${version} plugs no vCPU into a running PVH guest`);
    await rig.apply(await planOf(more, [{ disruption: 'restart', pattern: 'web' }]));
    await rig.sim.settle();
    expect((await listed())[1]).toBe(2);
    expect((await planOf(more)).vms).toEqual([]);
  },
);

it.each(['4.17.7', '4.18.2', '4.19.3', '4.20.1'])('Xen %s plugs a vCPU into a PVH guest', async (version) => {
  await openDom0(version);
  await rig.apply(await planOf(plain));
  await rig.sim.settle();
  expect((await rig.apply(await planOf(more))).failed).toEqual([]);
  expect((await listed())[1]).toBe(2);
});

it.each(['4.17.7', '4.20.5'])(
  'Xen %s puts no VLAN on a Linux bridge: a network that wants one is refused, and a NIC that says one is shown',
  async (version) => {
    await openDom0(version);
    const file = (networks: string, vm: string): string => text(vm).replace('{ bridge: xenbr0 }', networks);
    const tagged = file('{ bridge: xenbr0, vlan: 20 }', plain);
    const plan = await rig.plan((await load(tagged)).farm);
    expect(plan.operations.filter((o) => o.target.kind === 'vm')).toEqual([]);
    expect(plan.refused).toMatchObject([
      {
        what: 'web would be created',
        why: 'network lan wants VLAN 20 on xenbr0, a Linux bridge of dom01: no Xen puts a VLAN on one, and the guest would be in the wrong network',
        help: expect.stringContaining('give VLAN 20 a bridge of its own'),
      },
    ]);

    if (version === '4.17.7') return;
    const cfg = `name="web"
uuid="11111111-1111-4111-8111-111111111111"
type="pvh"
memory=256
kernel="/srv/vmlinuz"
vif=["mac=02:00:00:00:00:01,bridge=xenbr0,vlan=20"]
`;
    rig.sim.files('dom01').write('/etc/xen/web.cfg', cfg);
    expect((await rig.sim.hand('dom01', ['xl', 'create', '-q', '/etc/xen/web.cfg'])).rc).toBe(0);
    await rig.sim.settle();
    const adopted = await planOf('');
    const ofVm = adopted.operations.filter((o) => o.target.kind === 'vm');
    expect(ofVm.map((o) => o.op.verb)).toEqual(['define']);
    expect(adopted.warnings).toContainEqual(
      "web says VLAN 20 for its NIC 02:00:00:00:00:01 on xenbr0, a Linux bridge of dom01: Xen ignores that, and the guest is in the bridge's own network; give VLAN 20 a bridge of its own",
    );
    await rig.apply(adopted);
    expect(rig.sim.files('dom01').read('/etc/xen/web.cfg')).toContain('vlan=20');
    expect((await planOf('')).operations).toEqual([]);
  },
);

it('a VM keeps its cfg where its migration is swallowed', async () => {
  const servers = ['dom01', 'dom02'].map((name) => dom0(name));
  const pool = await openPool(servers);
  rig = pool;
  const both = (more = ''): string =>
    `dom01: { address: a, migration: dom01${more} }, dom02: { address: b, migration: dom02 }`;
  await pool.converge(poolText(both(), 'a: { server: dom01 }'));
  const drained = poolText(both(', state: maintenance'), 'a: {}');
  pool.sim.faults('dom01').swallow(['migrate']);
  const { done, failed } = await pool.apply(await pool.planOf(drained));
  expect(done).not.toContain('a/migrate/dom02');
  expect(failed.map((f) => f.id)).toEqual(['a/migrate/dom02']);
  expect(await pool.list('dom01')).toEqual(['a']);
  expect(pool.sim.files('dom01').list('/etc/xen')).toContain('a.cfg');
  pool.sim.faults('dom01').swallow([]);
  await pool.converge(drained);
  expect(await pool.list('dom02')).toEqual(['a']);
});
