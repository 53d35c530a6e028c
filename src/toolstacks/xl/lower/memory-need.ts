/** How much of a server's memory a VM takes. */

/**
 * In KiB, in whole MiB. Measured on Xen 4.17, PVH: the target, and beyond it 1 MiB and some 100 KiB a vCPU, 4 KiB for each
 * MiB of the maximum, and 1 to 2 MiB. Older Xen reserves 8 KiB for each MiB, which is taken here: never below the need.
 * PV has no such tables (1 MiB was seen). HVM's video RAM lies inside of its target, the ROMs of its cards and its firmware
 * do not; 3 MiB in all were seen with one NIC. Its QEMU runs in dom0.
 */
export const memoryNeed = (config: {
  readonly type: string;
  readonly vcpus: { readonly max: number };
  readonly memory: { readonly target: number; readonly max: number };
}): number => {
  const { max: vcpus } = config.vcpus;
  const paging = config.type === 'pv' ? 0 : vcpus * 1024 + Math.ceil(config.memory.max / 1024) * 8;
  const fixed = config.type === 'hvm' ? 4096 : 2048;
  return Math.ceil((config.memory.target + paging + vcpus * 128 + fixed) / 1024) * 1024;
};
