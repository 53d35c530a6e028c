/** The ways to change a disk, a CD drive or a NIC of a running VM, cheapest first, with what the live server and guest forbid. */
import { hasOvs } from '../server/holds-devices.ts';
import type { LiveVm } from './live.ts';
import type { Facts } from './facts.ts';
import { macNow, type Resolved } from './resolve.ts';
import type { DiskConfig, NicConfig, VmType } from './spec.ts';
import { restart, unless, type Ways } from './way.ts';

/** QEMU's own disks (`hda`, `sda` of an HVM guest), which only a start brings; `xvda` is Xen's, and so is a partition. */
const isEmulated = (vdev: string, type: VmType | undefined): boolean => type === 'hvm' && /^[hs]d[a-z]+$/.test(vdev);

/** The vdev that the VM boots from: the first by name. It cannot be pulled from under it. */
const rootDisk = ({ domain }: LiveVm): string | undefined => domain?.disks.map((d) => d.vdev).sort()[0];

/** Whether a QEMU has to serve it. */
export const needsQemu = (d: Pick<DiskConfig, 'format' | 'backend'>): boolean =>
  d.format !== 'raw' || d.backend === 'qdisk' || d.backend === 'tap';

/** What forbids to plug the disk into the running guest, or null. */
const unplugged = (vdev: string, disk: DiskConfig | undefined, { domain: d }: LiveVm): string | null => {
  if (isEmulated(vdev, d?.type)) return `${vdev} is emulated: QEMU takes it when the VM starts`;
  if (d?.pvDrivers === false) return 'the guest has no PV drivers';
  if (!disk || !needsQemu(disk) || d?.qemu !== false) return null;
  return `a ${disk.format} disk needs a QEMU that serves the VM, and it runs without one`;
};

const diskWays = (vdev: string, live: LiveVm, want: Resolved): Ways => {
  const has = live.domain?.disks.find((d) => d.vdev === vdev);
  const wanted = want.config.disks[vdev];
  const root = has && rootDisk(live) === vdev ? `${vdev} is the disk that the VM boots from` : null;
  const illegal = root ?? unplugged(vdev, wanted, live);
  if (!wanted) {
    return [
      unless({ how: 'detach-disk', disruption: 'device', why: 'the disk goes away under the running VM' }, illegal),
      restart('the disk is left out when the VM starts again'),
    ];
  }
  return has
    ? [
        unless({ how: 'replace-disk', disruption: 'device', why: 'the disk is detached and attached anew' }, illegal),
        restart('the disk is exchanged when the VM starts again'),
      ]
    : [
        unless({ how: 'attach-disk', disruption: 'live', why: 'the disk is attached while the VM runs' }, illegal),
        restart('the disk is there when the VM starts again'),
      ];
};

/** Why nothing can be put into a drive that a VM started with empty. */
export const bornEmpty = (vdev: string): string =>
  `${vdev} has been empty since the VM started, and QEMU would die of a change there`;

const cdWays = (vdev: string, { domain }: LiveVm, want: Resolved): Ways => {
  const drive = domain?.cdroms[vdev];
  if (!drive || !(vdev in want.config.cdroms)) return [restart('a CD drive is there, or not, from the start')];
  return [
    unless(
      { how: 'change-cd', disruption: 'live', why: 'the medium is changed while the VM runs' },
      drive.fixed ? bornEmpty(vdev) : null,
    ),
    restart('the medium is there when the VM starts again'),
  ];
};

/** A card that QEMU emulates. */
const isCard = (n: Pick<NicConfig, 'model'>): boolean => n.model !== null && n.model !== 'pv';

const onOvs = (bridge: string | null, facts: Facts): boolean => bridge !== null && hasOvs(bridge, facts.seen);

const nicWays = (key: string, live: LiveVm, want: Resolved, facts: Facts): Ways => {
  const mac = want.macs[key];
  const wanted = want.config.nics.find((n) => n.mac === mac);
  const nics = live.domain?.nics ?? [];
  const had = macNow(want, live.marker, key);
  const has = nics.find((n) => n.mac === mac);
  const old = had !== mac && nics.some((n) => n.mac === had);
  const deaf = live.domain?.pvDrivers === false ? 'the guest has no PV drivers' : null;
  if (!wanted) {
    return [
      unless({ how: 'detach-nic', disruption: 'device', why: 'the NIC goes away under the running VM' }, deaf),
      restart('the NIC is left out when the VM starts again'),
    ];
  }
  const card = isCard(wanted) ? 'an emulated NIC is made when the VM starts' : deaf;
  const exchanged = restart('the NIC is exchanged when the VM starts again');
  const replace = unless(
    { how: 'replace-nic', disruption: 'device', why: 'the NIC is detached and attached anew' },
    card,
  );
  if (has) {
    const alike = (['vlan', 'rate', 'model', 'script'] as const).every(
      (o) => wanted[o] === null || wanted[o] === has[o],
    );
    const gone = has.rate !== null && wanted.rate === null;
    const plain = !onOvs(has.bridge, facts) && !onOvs(wanted.bridge, facts) && has.vlan === null;
    if (!alike || gone || !plain) return [replace, exchanged];
    return [
      unless(
        { how: 'move-nic', disruption: 'live', why: 'the vif is hung on the other bridge while the VM runs' },
        isCard(wanted) ? 'QEMU serves the NIC: it hangs where the VM was started' : deaf,
      ),
      restart('the NIC comes up on the other bridge when the VM starts again'),
    ];
  }
  return old
    ? [replace, exchanged]
    : [
        unless({ how: 'attach-nic', disruption: 'live', why: 'the NIC is attached while the VM runs' }, card),
        restart('the NIC is there when the VM starts again'),
      ];
};

export const deviceWays = (
  group: 'disks' | 'cdrom' | 'nics',
  member: string,
  live: LiveVm,
  want: Resolved,
  facts: Facts,
): Ways => {
  switch (group) {
    case 'disks':
      return diskWays(member, live, want);
    case 'cdrom':
      return cdWays(member, live, want);
    case 'nics':
      return nicWays(member, live, want, facts);
  }
};
