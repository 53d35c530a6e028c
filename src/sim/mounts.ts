/** What is mounted over a dom0's own files: trees that several dom0s may share, each seen beneath its mount point. */
import { makeFiles, normal, parentOf, type Files, type Tree } from './files.ts';

/** An NFS export: one tree for all who mount it. */
export interface Export {
  readonly files: Tree;
  readonly sizeKiB: number;
  /** Its server does not answer: whoever asks waits for ever. */
  dead: boolean;
}

export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  /** As /proc/self/mounts shows them. */
  readonly options: string;
  readonly export: Export;
}

/** Somebody looked at what lies on a dead export: in a real dom0 that process sleeps now. */
export class Stuck extends Error {
  constructor(path: string) {
    super(`${path} lies on an export whose server does not answer`);
  }
}

export interface MountedFiles extends Files {
  /** In the order in which they were mounted: the last one at a path is on top. */
  readonly mounts: readonly Mount[];
  mount(mount: Mount): void;
  unmount(mount: Mount): void;
  /** A copy with the same mounts, of the exports that stand for those of this one. */
  copy(of: (e: Export) => Export): MountedFiles;
}

/** A hundred GiB unless said. */
export const makeExport = (sizeKiB = 100 * 1024 ** 2): Export => ({ files: makeFiles(), sizeKiB, dead: false });

export const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** The mount that a path lies in: at its mount point, or beneath it. */
export const mountOver = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts.findLast((m) => within(path, m.path));

/** Blanks, tabs, newlines and backslashes stand in octal. */
const escaped = (word: string): string =>
  word.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);

const own = [
  '/dev/xvda1 / ext4 rw,relatime,errors=remount-ro 0 0',
  'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0',
  'tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k,mode=755,inode64 0 0',
];

const mountLine = (m: Mount): string => `${escaped(m.source)} ${escaped(m.path)} ${m.type} ${m.options} 0 0`;

/** `local`, with what is mounted over it. Whoever touches a dead export is stuck. */
export const withMounts = (local: Tree, mounts: Mount[] = []): MountedFiles => {
  const shown = (): void => {
    const lines = [...own, ...mounts.map(mountLine)];
    local.put('/proc/self/mounts', lines.map((l) => `${l}\n`).join(''), 0o444);
  };
  const at = <T>(path: string, act: (files: Files, path: string) => T): T => {
    const plain = normal(path);
    const mount = mountOver(mounts, plain);
    if (mount?.export.dead === true) throw new Stuck(plain);
    return mount ? act(mount.export.files, plain.slice(mount.path.length) || '/') : act(local, plain);
  };
  const get: Files['get'] = (path) => at(path, (f, p) => f.get(p));
  /** A link is followed wherever it leads, from one tree into another. */
  const real = (path: string): string | undefined => {
    let now = normal(path);
    for (let hops = 0; hops < 40; hops += 1) {
      const node = get(now);
      if (node?.is !== 'link') return node && now;
      now = normal(node.target.startsWith('/') ? node.target : `${parentOf(now)}/${node.target}`);
    }
    return undefined;
  };
  const refused: Files['refused'] = (path, grows) => {
    const mount = mountOver(mounts, normal(path));
    if (mount === undefined) return local.refused(path, grows);
    // A path that was made unwritable stays so, whatever is mounted there; that the local disk is full is no matter.
    if (mount.options.split(',').includes('ro') || local.refused(path, false) !== null) return 'Read-only file system';
    return at(path, (f, p) => f.refused(p, grows));
  };
  const change = (path: string, act: (files: Files, path: string) => string | null): string | null => {
    const no = mountOver(mounts, normal(path)) === undefined ? null : refused(path, false);
    return no ?? at(path, act);
  };
  const resolve: Files['resolve'] = (path) => {
    const found = real(path);
    return found === undefined ? undefined : get(found);
  };
  local.mkdir('/proc/self');
  local.link('self/mounts', '/proc/mounts');
  shown();
  return {
    mounts,
    mount: (mount) => {
      mounts.push(mount);
      shown();
    },
    unmount: (mount) => {
      mounts.splice(mounts.indexOf(mount), 1);
      shown();
    },
    copy: (of) =>
      withMounts(
        local.copy(),
        mounts.map((m) => ({ ...m, export: of(m.export) })),
      ),
    trouble: local.trouble,
    refused,
    get,
    resolve,
    exists: (path) => real(path) !== undefined,
    text: (path) => {
      const found = real(path);
      return found === undefined ? undefined : at(found, (f, p) => f.text(p));
    },
    list: (path) => at(real(path) ?? path, (f, p) => f.list(p)),
    write: (path, bytes, mode, size) => change(real(path) ?? path, (f, p) => f.write(p, bytes, mode, size)),
    mkdir: (path) => (resolve(path)?.is === 'dir' ? null : change(path, (f, p) => f.mkdir(p))),
    link: (target, path) => change(path, (f, p) => f.link(target, p)),
    remove: (path) => change(path, (f, p) => f.remove(p)),
    rmdir: (path) =>
      mounts.some((m) => m.path === normal(path)) ? 'Device or resource busy' : change(path, (f, p) => f.rmdir(p)),
    put: (path, bytes, mode, size) => at(path, (f, p) => f.put(p, bytes, mode, size)),
    drop: (path) => at(path, (f, p) => f.drop(p)),
  };
};
