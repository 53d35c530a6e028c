/** Where an operation may reach on a server: each path has its place, and whose it is stands in its own name. */
import { badPath } from '../core/name.ts';
import { serversOwnFolder } from './image/spec.ts';
import { isImageOp, isServerOp, isVmOp } from './operations.ts';
import type { Op } from './plan.ts';
import { disksFolder, imagesFolder, isVolumeGroup, savedPath } from './repository/live.ts';
import type { RepositoryOp } from './repository/ops.ts';
import { badStorePath, badVolumeGroup } from './repository/place.ts';
import { cfgPath, isCfgElsewhere, isCfgOfXen } from './vm/cfg-path.ts';
import { leasePath, type LeaseDraft } from './vm/lease.ts';
import type { CfgDraft, MakeDisk, VmOp } from './vm/ops.ts';
import type { DiskSource, VmConfig } from './vm/spec.ts';

type Strays = readonly string[];

const unless = (right: boolean, why: string): Strays => (right ? [] : [why]);

/** `path` is right below `folder`. */
const directlyIn = (folder: string, path: string): boolean =>
  path.startsWith(`${folder}/`) && /^[^/]+$/.test(path.slice(folder.length + 1));

const cfg = (path: string): Strays => unless(isCfgOfXen(path), `${path} is no cfg of /etc/xen`);

/** One that goes may lie where a person had it. */
const goingCfg = (path: string): Strays =>
  unless(isCfgOfXen(path) || isCfgElsewhere(path), `${path} is no place of a cfg`);

/** In /etc/xen/auto, or among a store's links for a server. */
const link = (path: string, server?: string): Strays => {
  const [, of] = /\/autostart\/([^/]+)\/[^/]+$/.exec(path) ?? [];
  const stored = of !== undefined && (server === undefined || of === server) && !path.startsWith('/etc/');
  return unless(directlyIn('/etc/xen/auto', path) || stored, `${path} is no autostart link`);
};

const store = (path: string): Strays =>
  unless(
    isVolumeGroup(path) ? badVolumeGroup(path.slice('/dev/'.length)) === null : badStorePath(path) === null,
    `${path} is no place of a repository`,
  );

/** What keeps images and disks: a repository, or the server's own folder. */
const keeper = (repository: string | null, folder: string): Strays =>
  repository === null ? unless(folder === serversOwnFolder, `${folder} is not the server's own folder`) : store(folder);

const disk = (folder: string, path: string): Strays =>
  unless(directlyIn(disksFolder(folder), path), `${path} is no disk of ${folder}`);

const volume = (path: string): Strays => unless(/^\/dev\/[^/]+\/[^/]+$/.test(path), `${path} is no volume`);

/** Of a store that the operation does not name. */
const someLease = (path: string, uuid: string): Strays =>
  unless(
    path.endsWith(`/leases/${uuid}.json`) || (isVolumeGroup(path) && volume(path).length === 0),
    `${path} is no lease of the VM`,
  );

const lease = (l: LeaseDraft | null, uuid: string, farm: string): Strays =>
  l === null
    ? []
    : [
        ...store(l.folder),
        ...unless(l.path === leasePath(l.folder, uuid, l.disks), `${l.path} is no lease of the VM`),
        ...unless(l.farm === farm, `its lease is of farm ${l.farm}`),
        ...(l.frees === null ? [] : link(l.frees)),
      ];

const config = (c: VmConfig, op: VmOp, names: readonly string[]): Strays => [
  ...unless(c.uuid === op.uuid, `its configuration has the UUID ${c.uuid}`),
  ...unless(names.includes(c.name), `its configuration has the name ${c.name}`),
];

const record = ({ path, marker, from, config: c, replaces }: CfgDraft, op: VmOp, farm: string): Strays => [
  ...cfg(path),
  ...unless(replaces !== 'absent' || path === cfgPath(c.name), `${path} is not the place of a new cfg of ${c.name}`),
  ...(from === null ? [] : goingCfg(from.path)),
  ...unless(c.uuid === op.uuid, `its configuration has the UUID ${c.uuid}`),
  ...unless(
    marker.farm === farm && marker.vm === op.vm.name && marker.uuid === op.uuid,
    `its marker is of ${marker.vm} of farm ${marker.farm}`,
  ),
];

/** A disk that moves may have lain anywhere that a file may name. */
const copied = ({ template, path, folder }: DiskSource): Strays => {
  if (template === null)
    return folder === undefined ? unless(badPath(path) === null, `${path} is no path`) : disk(folder, path);
  return unless(
    /\/(?:images|disks)\/[^/]+$/.test(path) || volume(path).length === 0,
    `${path} is neither an image nor a disk of a repository`,
  );
};

const made = (op: MakeDisk, farm: string): Strays => [
  ...store(op.folder),
  ...disk(op.folder, op.path),
  ...unless(op.farm === farm, `it is of farm ${op.farm}`),
  ...(op.from === null ? [] : copied(op.from)),
];

const left = (l: { readonly path: string; readonly links: readonly string[] } | null, server: string): Strays =>
  l === null ? [] : [...goingCfg(l.path), ...l.links.flatMap((x) => link(x, server))];

type Move = Extract<
  VmOp,
  {
    readonly verb:
      | 'migrate'
      | 'activate'
      | 'deactivate'
      | 'unlease'
      | 'settle'
      | 'suspend'
      | 'resume'
      | 'forget'
      | 'undefine';
  }
>;

/** What leaves a server, or comes to one. */
const ofMove = (op: Move, farm: string): Strays => {
  switch (op.verb) {
    case 'migrate':
      return [...config(op.config, op, [op.name]), ...left(op.leaves, op.server)];
    case 'activate':
    case 'deactivate':
      return [
        ...store(op.folder),
        ...op.paths.flatMap((p) => [...volume(p), ...disk(op.folder, p)]),
        ...(op.lease === null ? [] : someLease(op.lease.path, op.uuid)),
      ];
    case 'unlease':
      return [...store(op.folder), ...someLease(op.lease.path, op.uuid)];
    case 'settle':
      return [
        ...cfg(op.path),
        ...lease(op.lease, op.uuid, farm),
        ...(op.link === null ? [] : unless(directlyIn('/etc/xen/auto', op.link), `${op.link} is no autostart link`)),
        ...(op.via === null ? [] : link(op.via, op.server)),
      ];
    case 'suspend':
      return [
        ...store(op.folder),
        ...unless(op.file === savedPath(op.folder, op.uuid), `${op.file} is not where its memory is kept`),
        ...unless(op.farm === farm, `it is of farm ${op.farm}`),
        ...config(op.config, op, [op.name]),
        ...left(op.leaves, op.server),
      ];
    case 'resume':
      return [
        ...cfg(op.path),
        ...unless(op.file.endsWith(savedPath('', op.uuid)), `${op.file} is not where its memory is kept`),
        ...config(op.config, op, [op.name]),
        ...lease(op.lease, op.uuid, farm),
      ];
    case 'forget':
      return [...left(op, op.server), ...op.volumes.flatMap(volume)];
    case 'undefine':
      return [
        ...goingCfg(op.path),
        // The lease of a VM that went down by itself goes with its cfg.
        ...op.links.flatMap((l) => (l.endsWith(`/leases/${op.uuid}.json`) ? [] : link(l, op.server))),
      ];
  }
};

const ofVm = (op: VmOp, farm: string): Strays => {
  switch (op.verb) {
    case 'define':
      return record(op.record, op, farm);
    case 'restart':
      return [
        ...record(op.record, op, farm),
        ...lease(op.lease, op.uuid, farm),
        ...op.copies.flatMap((c) => [
          ...made(c, farm),
          ...unless(c.uuid === op.uuid && c.server === op.server, `it copies a disk of ${c.vm.name} on ${c.server}`),
        ]),
      ];
    case 'autostart':
      return [
        ...cfg(op.path),
        ...unless(directlyIn('/etc/xen/auto', op.link), `${op.link} is no autostart link`),
        ...[...op.links, ...(op.via === null ? [] : [op.via])].flatMap((l) => link(l, op.server)),
      ];
    case 'start':
      return [...cfg(op.path), ...config(op.config, op, [op.name]), ...lease(op.lease, op.uuid, farm)];
    case 'stop':
      return [...(op.lease === null ? [] : someLease(op.lease.path, op.uuid)), ...op.volumes.flatMap(volume)];
    case 'make-disk':
      return made(op, farm);
    case 'make-seed':
      return [
        ...keeper(op.repository, op.folder),
        ...disk(op.folder, op.path),
        ...unless(op.farm === farm, `it is of farm ${op.farm}`),
      ];
    case 'adopt-disk':
    case 'grow-disk':
      return [
        ...store(op.folder),
        ...disk(op.folder, op.path),
        ...unless(op.farm === farm, `it is of farm ${op.farm}`),
      ];
    case 'release':
      return cfg(op.path);
    case 'migrate':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'settle':
    case 'suspend':
    case 'resume':
    case 'forget':
    case 'undefine':
      return ofMove(op, farm);
    case 'drop-image':
      return unless(op.file.endsWith(savedPath('', op.uuid)), `${op.file} is not where its memory is kept`);
    case 'pause':
    case 'unpause':
    case 'set-memory':
    case 'set-vcpus':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
    case 'ready':
    case 'attach-disk':
    case 'detach-disk':
    case 'attach-nic':
    case 'detach-nic':
    case 'move-nic':
    case 'discard':
      return [];
  }
};

const ofRepository = (op: RepositoryOp): Strays => [
  ...store(op.path),
  ...unless(isVolumeGroup(op.path) === (op.type === 'lvm'), `${op.path} is no place for type ${op.type}`),
  ...(op.verb === 'delete-disk' ? disk(op.path, op.disk) : []),
];

/** What of `op` is not where it belongs, or not of this farm: sentences; none where it may be done. */
export const straysOf = (op: Op, farm: string): Strays => {
  if (isVmOp(op)) return ofVm(op, farm);
  const own = unless(op.farm === farm, `it is of farm ${op.farm}`);
  if (isServerOp(op))
    return [...own, ...unless(op.dom0.name === op.server && op.name === op.server, 'it names two servers')];
  if (!isImageOp(op)) return [...own, ...ofRepository(op)];
  return [
    ...own,
    ...keeper(op.repository, op.folder),
    ...unless(directlyIn(imagesFolder(op.folder), op.path), `${op.path} is no image of ${op.folder}`),
  ];
};
