/** What is mounted over a dom0's own files: trees that several dom0s may share, each seen beneath its mount point. */
import { makeFiles, type Files } from './files.ts';

/** An NFS export: one tree for all who mount it. */
export interface Export {
  readonly files: Files;
  /** Its server does not answer: whoever asks waits for ever. */
  dead: boolean;
}

export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  readonly export: Export;
}

export interface MountedFiles extends Files {
  readonly mounts: Mount[];
}

export const makeExport = (): Export => ({ files: makeFiles(), dead: false });

/** The mount that a path lies in: at its mount point, or beneath it. */
export const mountOver = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts.findLast((m) => path === m.path || path.startsWith(`${m.path}/`));

/** `own`, with what is mounted over it. A link leads to its target in its own tree. */
export const withMounts = (own: Files): MountedFiles => {
  const mounts: Mount[] = [];
  const at = <T>(path: string, act: (files: Files, path: string) => T): T => {
    const mount = mountOver(mounts, path);
    return mount ? act(mount.export.files, path.slice(mount.path.length) || '/') : act(own, path);
  };
  return {
    mounts,
    trouble: own.trouble,
    get: (path) => at(path, (f, p) => f.get(p)),
    resolve: (path) => at(path, (f, p) => f.resolve(p)),
    exists: (path) => at(path, (f, p) => f.exists(p)),
    text: (path) => at(path, (f, p) => f.text(p)),
    list: (path) => at(path, (f, p) => f.list(p)),
    write: (path, bytes, mode) => at(path, (f, p) => f.write(p, bytes, mode)),
    mkdir: (path) => at(path, (f, p) => f.mkdir(p)),
    link: (target, path) => at(path, (f, p) => f.link(target, p)),
    remove: (path) => at(path, (f, p) => f.remove(p)),
    put: (path, bytes, mode) => at(path, (f, p) => f.put(p, bytes, mode)),
    drop: (path) => at(path, (f, p) => f.drop(p)),
  };
};
