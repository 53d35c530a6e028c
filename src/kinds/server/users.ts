/** Who uses which path: one index over the domains and cfgs that were seen, for all that is refused or removed for its sake. */
import { settingOf } from '../vm/fields.ts';
import type { Domain } from '../vm/live.ts';
import type { VmConfig } from '../vm/spec.ts';
import { seenOn, type Observed, type ServerSeen } from './live.ts';

/** A domain or a cfg. */
export interface User {
  /** Xen's name of the VM; the path of a cfg that cannot be read. */
  readonly name: string;
  readonly uuid: string | null;
  readonly server: string;
}

export interface Users {
  /** Those that have this very path; a running VM and its cfg are two. */
  readonly of: (path: string) => readonly User[];
  /** Those that have something in this folder, however deep. */
  readonly beneath: (folder: string) => readonly User[];
}

type Devices = Readonly<Record<string, { readonly path: string }>>;

const pathsIn = (c: Pick<Domain, 'boot' | 'settings'>, disks: readonly string[], cdroms: Devices): readonly string[] =>
  [
    c.boot.kernel,
    c.boot.ramdisk,
    settingOf(c.settings, 'boot.bootloader'),
    ...disks,
    ...Object.values(cdroms).map((d) => d.path),
  ].filter((p): p is string => p !== null && p.startsWith('/'));

/** Kernel, ramdisk, loader, disks and media of a configuration. */
export const pathsOfConfig = (
  c: Pick<VmConfig, 'boot' | 'settings'> & { readonly disks: Devices; readonly cdroms: Devices },
): readonly string[] =>
  pathsIn(
    c,
    Object.values(c.disks).map((d) => d.path),
    c.cdroms,
  );

/** The same of a VM as it runs. */
export const pathsOfDomain = (d: Domain): readonly string[] =>
  pathsIn(
    d,
    d.disks.map((k) => k.path),
    d.cdroms,
  );

/** All that the domains and cfgs of one server have; a path for each that has it. */
const usesOn = (server: string, seen: ServerSeen): readonly (readonly [path: string, user: User])[] => [
  ...seen.domains.flatMap((d) => {
    const user = { name: d.name, uuid: d.uuid, server };
    return pathsOfDomain(d).map((p) => [p, user] as const);
  }),
  ...seen.records.flatMap(({ config }) => {
    if (!config) return [];
    const user = { name: config.name, uuid: config.uuid, server };
    return pathsOfConfig(config).map((p) => [p, user] as const);
  }),
];

export const pathsUsed = (seen: ServerSeen): readonly string[] => usesOn('', seen).map(([path]) => path);

const indexed = (all: readonly (readonly [server: string, seen: ServerSeen])[]): Users => {
  const byPath = new Map<string, User[]>();
  for (const [path, user] of all.flatMap(([server, seen]) => usesOn(server, seen))) {
    const list = byPath.get(path);
    if (list) list.push(user);
    else byPath.set(path, [user]);
  }
  // Nobody can tell what a cfg means that cannot be read: what its text holds counts as used.
  const unread = all.flatMap(([server, { records }]) =>
    records.flatMap(({ path: name, text, config }) => (config ? [] : [{ text, user: { name, uuid: null, server } }])),
  );
  const naming = (text: string): readonly User[] => unread.flatMap((u) => (u.text.includes(text) ? [u.user] : []));
  return {
    of: (path) => [...(byPath.get(path) ?? []), ...naming(path)],
    beneath: (folder) => [
      ...[...byPath].flatMap(([path, users]) => (path.startsWith(`${folder}/`) ? users : [])),
      ...naming(`${folder}/`),
    ],
  };
};

export const usersIn = (observed: Observed): Users =>
  indexed(
    [...observed.keys()].flatMap((server) => {
      const seen = seenOn(observed, server);
      return seen ? [[server, seen] as const] : [];
    }),
  );

export const usersOn = (server: string, seen: ServerSeen): Users => indexed([[server, seen]]);

/** `web on dom01`: each once, sorted. */
export const namesOf = (users: readonly User[]): readonly string[] =>
  [...new Set(users.map((u) => `${u.name} on ${u.server}`))].sort();
