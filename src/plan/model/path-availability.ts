/** What planning says of one repository: operations, refusals, and what paths beneath it hang on. */
import type { Reason } from '../../core/reason.ts';
import { ref, type Ref } from '../../core/ref.ts';
import type { PoolSpec } from '../../kinds/farm.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import type { Node } from './operation-graph.ts';

/** What the paths beneath a repository's path on one server hang on; an image is a roof by itself. */
export type Roof = {
  /** Its name; `template debian` of an image. */
  readonly repository: string;
  readonly path: string;
} & (
  | { readonly is: 'ready' }
  /** The operation that makes it ready. */
  | { readonly is: 'coming'; readonly after: string }
  | ({ readonly is: 'barred' } & Reason)
);

export interface Part {
  readonly ops: readonly RepositoryOp[];
  readonly refused: readonly { readonly server: string | null; readonly bar: Reason }[];
  /** By server: what goes before its operations there. */
  readonly first?: ReadonlyMap<string, readonly Node[]>;
  /** Its data go with it. */
  readonly erases?: boolean;
  readonly warnings?: readonly string[];
  readonly roofs: readonly (readonly [server: string, roof: Roof])[];
}

export const subjectOf = (spec: RepositorySpec, pool: PoolSpec): Ref<'repository'> =>
  ref('repository', `${pool.name}/${spec.name}`);

/** What every operation on it says. */
export const baseOf = (spec: RepositorySpec, pool: PoolSpec, server: string, farm: string) => ({
  repository: subjectOf(spec, pool),
  server,
  farm,
  name: spec.name,
  type: spec.type,
  path: spec.path,
});

/** Whether `path` lies beneath `folder`. */
export const beneath = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

export const roofOver = (roofs: readonly Roof[] | undefined, path: string): Roof | undefined =>
  roofs?.find((r) => path === r.path || beneath(path, r.path));
