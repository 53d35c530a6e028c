/** What an operation on a repository is called, why it is done, and what it makes and takes away. */
import type { Effect } from '../../core/effect.ts';
import { fstabAt } from './fstab.ts';
import { formatSize } from '../../core/quantity.ts';
import { ref } from '../../core/ref.ts';
import { diskName, mountAt, type Storage } from './live.ts';
import type { RepositoryOp } from './ops.ts';

/** Servers by themselves may have disks of one name. */
export const idOf = (op: RepositoryOp): string =>
  `${op.repository.name}/${op.verb}/${op.server}${op.verb === 'delete-disk' ? `/${diskName(op.path, op.disk)}` : ''}`;

export const reasonOf = (op: RepositoryOp): string => {
  switch (op.verb) {
    case 'attach-repository': {
      const mounted = op.mount ? `mount ${op.source} at ${op.path}` : null;
      const kept = op.persist ? 'mount it after each reboot' : null;
      return [mounted, kept].filter((t) => t !== null).join(', ') || `make the folder ${op.path}`;
    }
    case 'mark-repository':
      return op.fresh === null ? 'look whose it is, and remember it' : 'mark it where it is new, and remember it';
    case 'delete-disk':
      return op.copied === null
        ? `delete disk ${diskName(op.path, op.disk)}${op.size === null ? '' : ` (${formatSize(op.size)})`}: its bytes are lost`
        : `remove disk ${diskName(op.path, op.disk)} once it is copied to ${op.copied}`;
    case 'unmark-repository':
      return op.suspended === 0
        ? 'take its marker away'
        : `take its marker away, and the memory of ${op.suspended} suspended VM${op.suspended === 1 ? '' : 's'}: that is lost`;
    case 'detach-repository':
      return [
        ...(op.mounted ? [`unmount ${op.path}`] : []),
        ...(op.persisted ? ['no longer mount it after a reboot'] : []),
        'forget it',
      ].join(', ');
  }
};

/** ms. */
export const estimateOf = (op: RepositoryOp): { readonly ms: number; readonly downtimeMs: number } => ({
  ms: op.verb === 'mark-repository' ? 500 : 2000,
  downtimeMs: 0,
});

/** How a repository stands on a server, as effects speak of it: kept for the next boot and known, mounted now. */
export const viewOf = (
  storage: Storage,
  { name, path }: Pick<RepositoryOp, 'name' | 'path'>,
): Readonly<Record<'persisted' | 'known' | 'mounted', string | boolean | null>> => ({
  persisted: fstabAt(storage.fstab?.text ?? '', path)?.ours === true,
  known: storage.book !== null && storage.book.value !== 'odd' && name in storage.book.value.repositories,
  mounted: mountAt(storage, path)?.source ?? null,
});

export const effects = (op: RepositoryOp): readonly Effect[] => {
  const set = (field: keyof ReturnType<typeof viewOf>, value: string | boolean | null): Effect => ({
    fx: 'set',
    ref: op.repository,
    layer: field === 'mounted' ? 'running' : 'configured',
    field,
    value,
  });
  switch (op.verb) {
    case 'attach-repository':
      return [...(op.mount ? [set('mounted', op.source)] : []), ...(op.persist ? [set('persisted', true)] : [])];
    // Nothing may use a store before it is known whose it is.
    case 'mark-repository':
      return [set('known', true), { fx: 'makes', ref: op.repository, on: op.server }];
    case 'delete-disk':
      return [{ fx: 'unmakes', ref: ref('disk', op.disk), on: op.server }];
    // Before it is detached, which is what servers are told by.
    case 'unmark-repository':
      return [];
    case 'detach-repository':
      return [
        ...(op.mounted ? [set('mounted', null)] : []),
        ...(op.persisted ? [set('persisted', false)] : []),
        set('known', false),
        { fx: 'unmakes', ref: op.repository, on: op.server },
      ];
  }
};
