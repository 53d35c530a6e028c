/** The paths that VMs use on their servers, and whose they are. */
import { settingOf } from '../kinds/vm/fields.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { VmConfig, VmSpec } from '../kinds/vm/spec.ts';

/** Kernel, ramdisk, loader, disks and media of a configuration. */
export const pathsOfConfig = (c: Pick<VmConfig, 'boot' | 'settings' | 'disks' | 'cdroms'>): readonly string[] =>
  [
    c.boot.kernel,
    c.boot.ramdisk,
    settingOf(c.settings, 'boot.bootloader'),
    ...Object.values(c.disks).map((d) => d.path),
    ...Object.values(c.cdroms).map((d) => d.path),
  ].filter((p): p is string => p !== null && p.startsWith('/'));

/** Those that the file names. */
export const wantedPaths = (v: VmSpec): readonly string[] =>
  [
    v.boot?.kernel,
    v.boot?.ramdisk,
    ...Object.values(v.disks ?? {}).map((d) => (d.made ? `${d.made.folder}/disks/` : d.path)),
    ...Object.values(v.cdroms ?? {}).map((d) => d.path),
  ].filter((p): p is string => typeof p === 'string');

/** By all domains and cfgs of a server. */
export const pathsUsed = (seen: ServerSeen): readonly string[] => [
  ...seen.domains.flatMap((d) => d.disks.map((k) => k.path)),
  ...seen.records.flatMap((r) => (r.config ? pathsOfConfig(r.config) : [])),
];

/** The names of domains and cfgs that have something beneath `folder`, each once, sorted. */
export const usersOf = (seen: ServerSeen, folder: string): readonly string[] => {
  const within = (paths: readonly (string | null)[]): boolean => paths.some((p) => p?.startsWith(`${folder}/`));
  const domains = seen.domains.filter((d) =>
    within([
      d.boot.kernel,
      d.boot.ramdisk,
      ...d.disks.map((k) => k.path),
      ...Object.values(d.cdroms).map((k) => k.path),
    ]),
  );
  const records = seen.records.filter((r) => r.config && within(pathsOfConfig(r.config)));
  return [...new Set([...domains.map((d) => d.name), ...records.map((r) => r.config?.name ?? r.path)])].sort();
};
