/** Prints what `ip -j -d link` and `ps -eo pid=,args=` show. */
import type { World } from './world.ts';

interface Link {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly master: string | null;
  readonly bridge: boolean;
}

const linkJson = (l: Link): Readonly<Record<string, unknown>> => ({
  ifindex: l.index,
  ifname: l.name,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  qdisc: l.bridge ? 'noqueue' : 'fq_codel',
  ...(l.master === null ? {} : { master: l.master }),
  operstate: 'UP',
  linkmode: 'DEFAULT',
  group: 'default',
  txqlen: 1000,
  link_type: 'ether',
  address: l.address,
  broadcast: 'ff:ff:ff:ff:ff:ff',
  promiscuity: l.master === null ? 0 : 1,
  ...(l.bridge
    ? { linkinfo: { info_kind: 'bridge', info_data: { forward_delay: 0, stp_state: 0, vlan_filtering: 0 } } }
    : l.master === null
      ? {}
      : { linkinfo: { info_slave_kind: 'bridge', info_slave_data: { state: 'forwarding', priority: 32, cost: 100 } } }),
  num_tx_queues: 1,
  num_rx_queues: 1,
});

export const ipLink = (world: World): string => {
  const bridges = [...world.bridges];
  const links: Link[] = [
    { name: 'eth0', index: 2, address: '52:54:00:12:34:56', master: bridges[0] ?? null, bridge: false },
    ...bridges.map((name, i) => ({
      name,
      index: 3 + i,
      address: `5a:57:0f:f7:14:${(16 + i).toString(16)}`,
      master: null,
      bridge: true,
    })),
  ];
  for (const d of world.domains.values())
    for (const n of d.nics)
      if (!n.ghost)
        links.push({
          name: `vif${d.domid}.${n.devid}`,
          index: n.ifindex,
          address: 'fe:ff:ff:ff:ff:ff',
          master: n.master,
          bridge: false,
        });
  const lo = { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP', 'LOWER_UP'], mtu: 65536, link_type: 'loopback' };
  return `${JSON.stringify([lo, ...links.map(linkJson)])}\n`;
};

export const processes = (world: World): string => {
  const fixed: readonly (readonly [number, string])[] = [
    [1, '/sbin/init'],
    [2, '[kthreadd]'],
    [24, '[xenwatch]'],
    [321, '/usr/lib/xen-4.17/bin/oxenstored --pid-file /run/xenstore.pid'],
    [332, '/usr/lib/xen-4.17/bin/xenconsoled --pid-file /run/xenconsoled.pid'],
    [440, 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'],
  ];
  const monitors = [...world.monitors.values()].map((m) => [m.pid, m.args] as const);
  return [...fixed, ...monitors, [world.nextPid, 'ps -eo pid=,args='] as const]
    .map(([pid, args]) => `${String(pid).padStart(7)} ${args}\n`)
    .join('');
};
