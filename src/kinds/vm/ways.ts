/** Every legal way to bring one field of a VM to its wanted value, cheapest first: the table of what can be changed how. */
import type { Way } from '../../core/change.ts';
import { formatSize } from '../../core/quantity.ts';
import type { Facts, Resolved } from './resolve.ts';
import type { LiveVm } from './live.ts';

export const configure: Way = { how: 'configure', disruption: 'none', why: 'only the cfg is written' };

const restart = (why: string): Way => ({ how: 'restart', disruption: 'restart', why });

const unless = (way: Way, illegal: string | null): Way => (illegal === null ? way : { ...way, illegal });

/** The vdev that the VM boots from: the first by name. It cannot be pulled from under it. */
const rootDisk = (live: LiveVm): string | undefined => live.domain?.disks.map((d) => d.vdev).sort()[0];

const memory = (live: LiveVm, want: Resolved): readonly [Way, ...Way[]] => {
  const d = live.domain;
  const kib = want.config.memory.target;
  const above = d && kib > d.memory.max ? `the running maximum is ${formatSize(d.memory.max)}` : null;
  return [
    unless({ how: 'set-memory', disruption: 'live', why: 'the balloon driver moves it while the VM runs' }, above),
    restart('the memory maximum is fixed when a VM starts'),
  ];
};

const vcpus = (live: LiveVm, want: Resolved, facts: Facts): readonly [Way, ...Way[]] => {
  const d = live.domain;
  const n = want.config.vcpus.count;
  const why =
    d && n > d.vcpus.max
      ? `the running maximum is ${d.vcpus.max}`
      : n > facts.seen.cpus
        ? `the server has ${facts.seen.cpus} CPUs`
        : null;
  return [
    unless({ how: 'set-vcpus', disruption: 'live', why: 'vCPUs are plugged while the VM runs' }, why),
    restart('the vCPU maximum is fixed when a VM starts'),
  ];
};

const disk = (vdev: string, live: LiveVm, want: Resolved): readonly [Way, ...Way[]] => {
  const has = live.domain?.disks.find((d) => d.vdev === vdev);
  const wanted = want.config.disks[vdev];
  const root = has && rootDisk(live) === vdev ? `${vdev} is the disk that the VM boots from` : null;
  if (!wanted) {
    return [
      unless({ how: 'detach-disk', disruption: 'device', why: 'the disk goes away under the running VM' }, root),
      restart('the disk is left out when the VM starts again'),
    ];
  }
  const format = wanted.format === 'raw' ? null : `a ${wanted.format} disk needs QEMU, which this VM may not have`;
  return has
    ? [
        unless(
          { how: 'replace-disk', disruption: 'device', why: 'the disk is detached and attached anew' },
          root ?? format,
        ),
        restart('the disk is exchanged when the VM starts again'),
      ]
    : [
        unless({ how: 'attach-disk', disruption: 'live', why: 'the disk is attached while the VM runs' }, format),
        restart('the disk is there when the VM starts again'),
      ];
};

const nic = (key: string, live: LiveVm, want: Resolved): readonly [Way, ...Way[]] => {
  const mac = want.macs[key];
  const wanted = want.config.nics.find((n) => n.mac === mac);
  const had = live.marker?.macs[key];
  const has = live.domain?.nics.some((n) => n.mac === mac) ?? false;
  const old = had !== mac && (live.domain?.nics.some((n) => n.mac === had) ?? false);
  if (!wanted) {
    return [
      { how: 'detach-nic', disruption: 'device', why: 'the NIC goes away under the running VM' },
      restart('the NIC is left out when the VM starts again'),
    ];
  }
  if (has) {
    return [
      { how: 'move-nic', disruption: 'live', why: 'the vif is hung on the other bridge while the VM runs' },
      restart('the NIC comes up on the other bridge when the VM starts again'),
    ];
  }
  return old
    ? [
        { how: 'replace-nic', disruption: 'device', why: 'the NIC is detached and attached anew' },
        restart('the NIC is exchanged when the VM starts again'),
      ]
    : [
        { how: 'attach-nic', disruption: 'live', why: 'the NIC is attached while the VM runs' },
        restart('the NIC is there when the VM starts again'),
      ];
};

/** The ways to change `field` of a VM whose domain is up. */
const liveWays = (field: string, live: LiveVm, want: Resolved, facts: Facts): readonly [Way, ...Way[]] => {
  const [group = '', member = ''] = field.split('.', 2);
  switch (group) {
    case 'memory':
      return member === 'target' ? memory(live, want) : [restart('the memory maximum is fixed when a VM starts')];
    case 'vcpus':
      return member === 'count' ? vcpus(live, want, facts) : [restart('the vCPU maximum is fixed when a VM starts')];
    case 'disks':
      return disk(member, live, want);
    case 'nics':
      return nic(member, live, want);
    case 'boot':
      return [restart('it is read when the VM starts')];
    default:
      return [restart('it is fixed when a VM starts')];
  }
};

/** A paused guest answers nothing: its balloon, its hotplug and its shutdown all wait. */
const whilePaused = (way: Way): Way => ({ ...way, illegal: way.illegal ?? 'the VM is paused and stays so' });

/** Never empty, cheapest first. `differs`: whether the running side differs at all. */
export const waysOf = (
  field: string,
  live: LiveVm,
  want: Resolved,
  facts: Facts,
  differs: boolean,
): readonly [Way, ...Way[]] => {
  const d = live.domain;
  const up = d !== null && (d.state === 'running' || d.state === 'paused');
  if (!up || !differs || want.state === 'stopped' || field === 'autostart' || field === 'protect') return [configure];
  const ways = liveWays(field, live, want, facts);
  if (!(d.state === 'paused' && want.state === 'paused')) return ways;
  const [first, ...rest] = ways;
  return [whilePaused(first), ...rest.map(whilePaused)];
};
