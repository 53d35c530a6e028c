/** A template or an ISO as the file has it, where one pool keeps it. */
import type { Origin } from '../../core/diagnostic.ts';

/** Where a server keeps images that no repository is for: pools whose only repositories are volume groups, or that have none. */
export const serversOwnFolder = '/var/lib/reeve';

/** A path on the machine where Reeve runs: it is uploaded. */
export const isLocal = (source: string): boolean => !/^https?:/.test(source);

/** What stands in a URL from its `?` on, which may be a signature or a key; '': nothing. */
export const queryOf = (source: string): string => (isLocal(source) ? '' : (/\?.*$/s.exec(source)?.[0] ?? ''));

/** In place of a query; no URL that a farm may have holds it. */
export const hiddenQuery = '?…';

/** As plans and people see it. */
export const shownSource = (source: string): string => {
  const query = queryOf(source);
  return query === '' ? source : `${source.slice(0, -query.length)}${hiddenQuery}`;
};

export interface ImageSpec {
  readonly name: string;
  readonly what: 'template' | 'iso';
  /** An http or https URL, its query hidden, or a path on the machine where Reeve runs. */
  readonly source: string;
  /** Of its bytes, in lower-case hex; undefined: nothing tells whether they are right. */
  readonly sha256: string | undefined;
  /** KiB; undefined: nobody knows before it is fetched. */
  readonly size: number | undefined;
  readonly format: 'raw' | 'qcow2';
  /** The repository that keeps it; null: each server by itself. */
  readonly repository: string | null;
  /** The repository's path, or the server's own folder. */
  readonly folder: string;
  /** True: one copy serves all servers of the pool. */
  readonly shared: boolean;
  /** Its file; another sha256 is another file. */
  readonly path: string;
  readonly state: 'present' | 'absent';
  readonly origin: Origin;
}
