/** Prints what `ip -j -d link`, `ps -eo pid=,args=` and `ovs-vsctl list-br` show. */
import { hasDrivers } from './lives.ts';
import { versionOf, type Domain, type World } from './world.ts';

type Kind = 'bridge' | 'openvswitch' | null;

interface Link {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly master: string | null;
  /** Of the link itself; null: a plain one. */
  readonly kind: Kind;
  /** Of what it hangs on. */
  readonly slave: Kind;
}

/** All ports of Open vSwitch hang on this one, whatever their bridge. */
const ovsSystem = 'ovs-system';

const linkInfo = (l: Link): Readonly<Record<string, unknown>> => {
  if (l.kind === 'bridge')
    return { linkinfo: { info_kind: 'bridge', info_data: { forward_delay: 0, stp_state: 0, vlan_filtering: 0 } } };
  if (l.kind === 'openvswitch') return { linkinfo: { info_kind: 'openvswitch' } };
  if (l.slave === 'bridge')
    return {
      linkinfo: { info_slave_kind: 'bridge', info_slave_data: { state: 'forwarding', priority: 32, cost: 100 } },
    };
  return l.slave === 'openvswitch' ? { linkinfo: { info_slave_kind: 'openvswitch' } } : {};
};

const linkJson = (l: Link): Readonly<Record<string, unknown>> => ({
  ifindex: l.index,
  ifname: l.name,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  qdisc: l.kind === null ? 'fq_codel' : 'noqueue',
  ...(l.master === null ? {} : { master: l.master }),
  operstate: 'UP',
  linkmode: 'DEFAULT',
  group: 'default',
  txqlen: 1000,
  link_type: 'ether',
  address: l.address,
  broadcast: 'ff:ff:ff:ff:ff:ff',
  promiscuity: l.master === null ? 0 : 1,
  ...linkInfo(l),
  num_tx_queues: 1,
  num_rx_queues: 1,
});

const vifAddress = 'fe:ff:ff:ff:ff:ff';

/** A guest's vifs; the tap of an emulated card stands beside its vif until the guest's PV driver unplugs the card. */
const vifs = (world: World, d: Domain): readonly Link[] =>
  d.nics
    .filter((n) => !n.ghost)
    .flatMap((n) => {
      const onOvs = n.master !== null && world.ovs.has(n.master);
      const vif: Link = {
        name: `vif${d.domid}.${n.devid}`,
        index: n.ifindex,
        address: vifAddress,
        master: onOvs ? ovsSystem : n.master,
        kind: null,
        slave: n.master === null ? null : onOvs ? 'openvswitch' : 'bridge',
      };
      const emulated = n.type === 'vif_ioemu' && d.qemu !== null && !hasDrivers(world, d);
      return emulated ? [{ ...vif, name: `${vif.name}-emu`, index: 100_000 + n.ifindex }, vif] : [vif];
    });

export const ipLink = (world: World): string => {
  const bridges = [...world.bridges];
  const own = (name: string, i: number, kind: Kind): Link => ({
    name,
    index: 3 + i,
    address: `5a:57:0f:f7:14:${(16 + i).toString(16)}`,
    master: null,
    kind,
    slave: null,
  });
  const first = bridges[0] ?? null;
  const links: readonly Link[] = [
    {
      name: 'eth0',
      index: 2,
      address: '52:54:00:12:34:56',
      master: first,
      kind: null,
      slave: first === null ? null : 'bridge',
    },
    ...bridges.map((name, i) => own(name, i, 'bridge')),
    ...(world.ovs.size === 0 ? [] : [ovsSystem, ...world.ovs]).map((name, i) => own(name, 200 + i, 'openvswitch')),
    ...[...world.domains.values()].flatMap((d) => vifs(world, d)),
  ];
  const lo = { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP', 'LOWER_UP'], mtu: 65536, link_type: 'loopback' };
  return `${JSON.stringify([lo, ...links.map(linkJson)])}\n`;
};

export const processes = (world: World): string => {
  const bin = `/usr/lib/xen-${versionOf(world.server).slice(0, 2).join('.')}/bin`;
  const fixed: readonly (readonly [number, string])[] = [
    [1, '/sbin/init'],
    [2, '[kthreadd]'],
    [24, '[xenwatch]'],
    [321, `${bin}/oxenstored --pid-file /run/xenstore.pid`],
    [332, `${bin}/xenconsoled --pid-file /run/xenconsoled.pid`],
    [440, 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'],
  ];
  const monitors = [...world.monitors.values()].map((m) => [m.pid, m.args] as const);
  const models = [...world.domains.values()].flatMap((d) =>
    d.qemu === null || d.qemu.dead ? [] : [[d.qemu.pid, d.qemu.args] as const],
  );
  return [...fixed, ...monitors, ...models, ...world.workers, [world.nextPid, 'ps -eo pid=,args='] as const]
    .map(([pid, args]) => `${String(pid).padStart(7)} ${args}\n`)
    .join('');
};

/** With its exit code: 127 where there is no Open vSwitch. */
export const ovsBridges = (world: World): { readonly rc: number; readonly out: string } =>
  world.server.ovs === undefined
    ? { rc: 127, out: 'ovs-vsctl: not found\n' }
    : {
        rc: 0,
        out: [...world.ovs]
          .sort()
          .map((name) => `${name}\n`)
          .join(''),
      };
