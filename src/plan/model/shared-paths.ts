/** shared paths. */
import type { PoolSpec } from '../../kinds/farm.ts';

/** Of the repositories that all servers of the pool see: their paths, with a slash at the end. */
export const sharedPaths = (pool: PoolSpec): readonly string[] =>
  Object.values(pool.repositories).flatMap((r) => (r.shared && r.state === 'present' ? [`${r.path}/`] : []));

/** A disk that only one server has. */
export const localDisk = (disks: readonly { readonly path: string }[], shared: readonly string[]): string | null =>
  disks.find((d) => !shared.some((folder) => d.path.startsWith(folder)))?.path ?? null;
