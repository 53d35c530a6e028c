/** The disks, CD drives and NICs of a wanted VM: the file's, with what it leaves open kept as found. */
import { hasOvs } from '../server/holds-devices.ts';
import type { NetworkSpec } from '../farm.ts';
import type { ServerSeen } from '../server/live.ts';
import { deriveMac } from './identity.ts';
import type { LiveVm, Marker } from './live.ts';
import type { CdromSpec, DiskConfig, DiskSpec, NicConfig, NicSpec, VmConfig, VmSpec } from './spec.ts';
import type { Facts, Settle, Unresolved } from './facts.ts';
import { table } from '../../core/table.ts';

/** What the file never set of a map: all that is there stays. */
const keep = 'keep';

type Applied = Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;

/** A value that the file says nothing of: kept as found, unless it was the file that had said it. */
const rest = <T>(set: T | undefined, said: unknown, found: T | undefined, fallback: T): T =>
  set ?? (said === undefined || said === null ? (found ?? fallback) : fallback);

export const resolveDisks = (
  spec: VmSpec,
  base: VmConfig | null,
  marker: Marker | null,
  settle: Settle,
): Record<string, DiskConfig> => {
  const set = settle<Readonly<Record<string, DiskSpec>> | typeof keep>(
    'disks',
    spec.disks,
    base ? keep : undefined,
    () => table(),
  );
  if (set === keep) return table(base?.disks);
  const applied = marker?.applied['disks'] as Applied;
  const out: Record<string, DiskConfig> = table();
  for (const vdev of Object.keys(set).sort()) {
    const disk = set[vdev];
    if (!disk) continue;
    const found = base?.disks[vdev];
    const kept = found?.path === disk.path ? found : undefined;
    const said = applied?.[vdev];
    out[vdev] = {
      path: disk.path,
      access: disk.access === 'ro' ? 'ro' : 'rw',
      shared: disk.access === 'shared',
      format: rest(disk.format, said?.['format'], kept?.format, 'raw'),
      backend: rest(disk.backend, said?.['backend'], kept?.backend ?? undefined, null),
      extra: kept?.extra ?? [],
    };
  }
  return out;
};

export const resolveCdroms = (spec: VmSpec, base: VmConfig | null, settle: Settle): VmConfig['cdroms'] => {
  const set = settle<Readonly<Record<string, CdromSpec>> | typeof keep>(
    'cdrom',
    spec.cdroms,
    base ? keep : undefined,
    () => table(),
  );
  if (set === keep) return base?.cdroms ?? table();
  return table(
    Object.keys(set)
      .sort()
      .map((vdev) => [vdev, { path: set[vdev]?.path ?? '' }]),
  );
};

const nicNumber = (key: string): number => Number(key.replace(/^eth/, ''));

const ovsScript = 'vif-openvswitch';

/** How this server's kind of bridge is told a network: Open vSwitch takes the VLAN behind the bridge's name. */
const bridgeOf = (
  { name, bridge, vlan }: NetworkSpec,
  seen: ServerSeen,
): Pick<NicConfig, 'bridge' | 'vlan' | 'script'> | Unresolved => {
  if (hasOvs(bridge, seen)) {
    const tagged = vlan === undefined ? bridge : bridge.replace(/(?=:|$)/, `.${vlan}`);
    return { bridge: tagged, vlan: null, script: ovsScript };
  }
  if (vlan === undefined) return { bridge, vlan: null, script: null };
  return {
    code: 'vlan-on-linux-bridge',
    unresolved: `network ${name} wants VLAN ${vlan} on ${bridge}, a Linux bridge of ${seen.host}: no Xen puts a VLAN on one, and the guest would be in the wrong network`,
    help: `give VLAN ${vlan} a bridge of its own (ip link add link NIC name NIC.${vlan} type vlan id ${vlan}; a bridge on top), or make ${bridge} an Open vSwitch bridge`,
  };
};

/** The bridge belongs to what was applied: a network that changes its bridge changes the VM. */
const toRemember = ({ network, rate, model, script }: NicSpec, facts: Facts): Record<string, unknown> => {
  const on = facts.networks[network];
  const out: Record<string, unknown> = table({ network, bridge: on?.bridge ?? null });
  for (const [option, v] of [
    ['vlan', on?.vlan],
    ['rate', rate],
    ['model', model],
    ['script', script],
  ] as const)
    if (v !== undefined) out[option] = v;
  return out;
};

export const resolveNics = (
  spec: VmSpec,
  live: LiveVm | null,
  base: VmConfig | null,
  facts: Facts,
  settle: Settle,
): { list: readonly NicConfig[]; macs: Record<string, string> } | Unresolved => {
  const remembered = spec.nics && table(Object.entries(spec.nics).map(([key, n]) => [key, toRemember(n, facts)]));
  const set = settle<unknown>('nics', remembered, base ? keep : undefined, () => table());
  if (set === keep) return { list: base?.nics ?? [], macs: table() };
  const wanted = spec.nics ?? table();
  const applied = live?.marker?.applied['nics'] as Applied;
  const list: NicConfig[] = [];
  const macs: Record<string, string> = table();
  for (const key of Object.keys(wanted).sort((a, b) => nicNumber(a) - nicNumber(b))) {
    const nic = wanted[key];
    if (!nic) continue;
    const network = facts.networks[nic.network];
    if (!network) {
      return {
        code: 'network-unknown',
        unresolved: `${spec.key} wants network ${nic.network}, which its pool has not`,
        help: `add ${nic.network} to the pool's networks`,
      };
    }
    const on = bridgeOf(network, facts.seen);
    if ('unresolved' in on) return on;
    // An adopted VM's first vif is its eth0: its address is kept, not made anew.
    const n = nicNumber(key);
    const found = base?.nics[n]?.mac ?? live?.domain?.nics.find((x) => x.devid === n)?.mac;
    const mac =
      nic.mac ?? live?.marker?.macs[key] ?? (live?.marker ? undefined : found) ?? deriveMac(facts.farm, spec.key, key);
    macs[key] = mac;
    const was = base?.nics.find((x) => x.mac === mac);
    const said = applied?.[key];
    // A VLAN on Open vSwitch needs its script; without one, an old NIC is as its owner made it.
    const script = was && on.bridge === network.bridge ? null : on.script;
    list.push({
      mac,
      bridge: on.bridge,
      vlan: on.vlan,
      rate: rest(nic.rate, said?.['rate'], was?.rate ?? undefined, null),
      model: rest(nic.model, said?.['model'], was?.model ?? undefined, null),
      script: rest(nic.script, said?.['script'], was?.script ?? undefined, script),
      extra: was?.extra ?? [],
    });
  }
  return { list, macs };
};
