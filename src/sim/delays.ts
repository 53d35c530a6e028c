/** How long things take on a dom0, in ms, as ranges: Xen's order and races, at the pace of ordinary hardware. */

export type Range = readonly [number, number];

export const delays = {
  /** One run of `xl` that changes little. */
  xl: [20, 50],
  /** From the domain's appearing (paused, without memory) to its memory being there. */
  build: [500, 1200],
  /** The hotplug scripts of a new domain or device. */
  hotplug: [150, 400],
  /** QEMU, until it answers. */
  qemu: [300, 900],
  /** pygrub, looking into the first disk. */
  bootloader: [300, 900],
  /** QEMU taking another medium. */
  medium: [100, 400],
  /** From its start until the guest answers: its PV drivers are up, its devices connected. */
  boot: [1200, 2500],
  /** A guest's driver taking a new device. */
  connect: [200, 900],
  /** From a request until the guest acknowledges it, */
  acknowledge: [30, 120],
  /** and until it has shut down. */
  shutdown: [900, 2200],
  /** xl waits so long for a guest to acknowledge. */
  acknowledgeTimeout: [60_000, 60_000],
  /** From a guest's end until its monitor begins to take the domain down, */
  monitor: [100, 300],
  /** and until libxl has done so; the name goes last but one. */
  destroy: [300, 900],
  /** The moment in which a dying domain has no name any more. */
  nameless: [50, 200],
  /** Between an old domain's end and the new one in a reboot. */
  rebootGap: [1000, 2000],
  /** Half of a balloon's way. */
  balloon: [300, 1000],
  vcpuUp: [100, 400],
  vcpuDown: [1000, 2500],
  detach: [300, 1200],
  /** mount.nfs and its server agreeing; umount. */
  mount: [60, 200],
  nicDetach: [400, 3000],
  /** `xl migrate`, until the other dom0's xl answers, */
  migrateConnect: [200, 600],
  /** each eighth of the copy, while the guest runs, */
  migrateCopy: [250, 700],
  /** and one round of messages between the two ends. */
  migrateTalk: [30, 120],
  /** The far end, until it sees that nobody is there any more. */
  migrateLost: [500, 1500],
} as const satisfies Readonly<Record<string, Range>>;

export type Delay = keyof typeof delays;
