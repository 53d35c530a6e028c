/** A volume group of a simulated dom0: its volumes, their tags, and what removed ones leave on the disk. */

export interface Volume {
  sizeKiB: number;
  tags: readonly string[];
}

export interface VolumeGroup {
  readonly sizeKiB: number;
  tags: readonly string[];
  readonly volumes: Map<string, Volume>;
  /** What a removed volume leaves on the disk: the next one begins with it. */
  left: Uint8Array;
}

export const extentKiB = 4096;

export const makeGroup = (sizeKiB: number): VolumeGroup => ({
  sizeKiB: sizeKiB - (sizeKiB % extentKiB),
  tags: [],
  volumes: new Map(),
  left: new Uint8Array(),
});

export const freeOf = (g: VolumeGroup): number => [...g.volumes.values()].reduce((n, v) => n - v.sizeKiB, g.sizeKiB);
