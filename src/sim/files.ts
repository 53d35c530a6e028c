/** A dom0's file system in memory: files, folders and symbolic links by absolute path, with the errors of the real one. */

type Node =
  /** `size`: of a disk that is larger than its bytes, in KiB. */
  | { readonly is: 'file'; readonly bytes: Uint8Array; readonly mode: number; readonly size?: number }
  | { readonly is: 'dir'; readonly mode: number }
  | { readonly is: 'link'; readonly target: string };

/** What keeps a write from happening; the simulator's faults set it. */
interface DiskTrouble {
  full: boolean;
  /** Paths under this one cannot be written; null: all can. */
  readOnlyUnder: string | null;
}

export interface Files {
  readonly trouble: DiskTrouble;
  get(path: string): Node | undefined;
  /** Follows links; undefined where they lead nowhere. */
  resolve(path: string): Node | undefined;
  exists(path: string): boolean;
  text(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(path: string): readonly string[];
  /** Why nothing can be written there, as `strerror` has it; `grows`: it takes room. */
  refused(path: string, grows: boolean): string | null;
  /** All of these return null, or the error's text as `strerror` has it. */
  write(path: string, bytes: Uint8Array | string, mode?: number, size?: number): string | null;
  mkdir(path: string): string | null;
  link(target: string, path: string): string | null;
  remove(path: string): string | null;
  rmdir(path: string): string | null;
  /** Writes and removes whatever the trouble: for what stands on another file system. */
  put(path: string, bytes: Uint8Array | string, mode: number, size?: number): void;
  drop(path: string): void;
}

/** A tree that can be copied: each of the two goes its own way from then on. */
export interface Tree extends Files {
  copy(): Tree;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

export const normal = (path: string): string => {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return `/${out.join('/')}`;
};

export const makeFiles = (): Tree =>
  treeOf(new Map([['/', { is: 'dir', mode: 0o755 }]]), new Map(), { full: false, readOnlyUnder: null });

const treeOf = (nodes: Map<string, Node>, children: Map<string, Set<string>>, trouble: DiskTrouble): Tree => {
  const set = (path: string, node: Node): void => {
    nodes.set(path, node);
    const parent = parentOf(path);
    if (path === '/') return;
    const siblings = children.get(parent) ?? new Set<string>();
    siblings.add(path.slice(path.lastIndexOf('/') + 1));
    children.set(parent, siblings);
  };
  const follow = (path: string): string | undefined => {
    let at = normal(path);
    for (let hops = 0; hops < 40; hops += 1) {
      const node = nodes.get(at);
      if (node === undefined) return undefined;
      if (node.is !== 'link') return at;
      at = normal(node.target.startsWith('/') ? node.target : `${parentOf(at)}/${node.target}`);
    }
    return undefined;
  };
  const refused = (path: string, grows: boolean): string | null => {
    const under = trouble.readOnlyUnder;
    if (under !== null && (path === under || path.startsWith(`${under}/`))) return 'Read-only file system';
    // /run is another file system, in memory.
    return trouble.full && grows && !path.startsWith('/run/') ? 'No space left on device' : null;
  };
  const resolve = (path: string): Node | undefined => {
    const at = follow(path);
    return at === undefined ? undefined : nodes.get(at);
  };
  const mkdir = (path: string): string | null => {
    const at = normal(path);
    const found = nodes.get(at);
    if (found !== undefined) return resolve(at)?.is === 'dir' ? null : 'File exists';
    const above = mkdir(parentOf(at));
    if (above !== null) return above === 'File exists' ? 'Not a directory' : above;
    const no = refused(at, true);
    if (no !== null) return no;
    set(at, { is: 'dir', mode: 0o755 });
    return null;
  };
  const bytesOf = (bytes: Uint8Array | string): Uint8Array =>
    typeof bytes === 'string' ? encoder.encode(bytes) : Uint8Array.from(bytes);
  const drop = (at: string): void => {
    nodes.delete(at);
    children.get(parentOf(at))?.delete(at.slice(at.lastIndexOf('/') + 1));
  };
  return {
    trouble,
    get: (path) => nodes.get(normal(path)),
    resolve,
    exists: (path) => follow(path) !== undefined,
    text: (path) => {
      const node = resolve(path);
      return node?.is === 'file' ? decoder.decode(node.bytes) : undefined;
    },
    list: (path) => [...(children.get(follow(path) ?? '') ?? [])].sort(),
    write: (path, bytes, mode, size) => {
      const at = follow(path) ?? normal(path);
      const found = nodes.get(at);
      if (found?.is === 'dir') return 'Is a directory';
      if (nodes.get(parentOf(at))?.is !== 'dir') return 'No such file or directory';
      const no = refused(at, true);
      if (no !== null) return no;
      const old = found?.is === 'file' ? found : undefined;
      // A device has its size, whatever is written to it.
      const is = size ?? (at.startsWith('/dev/') ? old?.size : undefined);
      const kept = mode ?? old?.mode ?? 0o644;
      set(at, { is: 'file', bytes: bytesOf(bytes), mode: kept, ...(is === undefined ? {} : { size: is }) });
      return null;
    },
    refused: (path, grows) => refused(normal(path), grows),
    mkdir,
    link: (target, path) => {
      const at = normal(path);
      if (nodes.get(parentOf(at))?.is !== 'dir') return 'No such file or directory';
      const no = refused(at, true);
      if (no !== null) return no;
      set(at, { is: 'link', target });
      return null;
    },
    remove: (path) => {
      const at = normal(path);
      const node = nodes.get(at);
      if (node === undefined) return 'No such file or directory';
      if (node.is === 'dir') return 'Is a directory';
      const no = refused(at, false);
      if (no !== null) return no;
      drop(at);
      return null;
    },
    rmdir: (path) => {
      const at = normal(path);
      const node = nodes.get(at);
      if (node === undefined) return 'No such file or directory';
      if (node.is !== 'dir') return 'Not a directory';
      if (at === '/') return 'Device or resource busy';
      if ((children.get(at)?.size ?? 0) > 0) return 'Directory not empty';
      const no = refused(at, false);
      if (no !== null) return no;
      drop(at);
      return null;
    },
    put: (path, bytes, mode, size) => {
      mkdir(parentOf(normal(path)));
      set(normal(path), { is: 'file', bytes: bytesOf(bytes), mode, ...(size === undefined ? {} : { size }) });
    },
    drop: (path) => drop(normal(path)),
    copy: () =>
      treeOf(new Map(nodes), new Map([...children].map(([at, names]) => [at, new Set(names)])), { ...trouble }),
  };
};
