/** A volume group of a simulated dom0: its volumes, their tags, and what removed ones leave on the disk. */

export interface Volume {
  sizeKiB: number;
  tags: readonly string[];
  /** False: a boot leaves it closed. */
  auto: boolean;
  /** What it held when it was closed last: an open one is a file of its dom0. */
  kept: Uint8Array;
}

export interface VolumeGroup {
  /** As LVM writes it: `f1wvEf-Xkjg-…`. */
  readonly uuid: string;
  readonly sizeKiB: number;
  tags: readonly string[];
  /** `sanlock`, `dlm`; '': no lock manager. */
  lock: string;
  readonly volumes: Map<string, Volume>;
  /** What a removed volume leaves on the disk: the next one begins with it. */
  left: Uint8Array;
}

export const extentKiB = 4096;

export const makeGroup = (sizeKiB: number, hex: string): VolumeGroup => ({
  uuid: hex.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6}).*$/, '$1-$2-$3-$4-$5-$6-$7'),
  sizeKiB: sizeKiB - (sizeKiB % extentKiB),
  tags: [],
  lock: '',
  volumes: new Map(),
  left: new Uint8Array(),
});

export const freeOf = (g: VolumeGroup): number => [...g.volumes.values()].reduce((n, v) => n - v.sizeKiB, g.sizeKiB);
