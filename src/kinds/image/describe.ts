/** What an operation on an image is called, why it is done, and what it makes and takes away. */
import type { Effect } from '../../core/effect.ts';
import { ref } from '../../core/ref.ts';
import { imagesFolder } from '../repository/live.ts';
import type { ImageOp } from './ops.ts';
import { isLocal } from './spec.ts';

/** Several versions of one image may be removed in one plan: their files tell them apart. */
export const idOf = (op: ImageOp): string => {
  const id = `${op.image.name}/${op.verb}/${op.server}`;
  return op.verb === 'remove-image' ? `${id}/${op.path.slice(op.path.lastIndexOf('/') + 1)}` : id;
};

export const reasonOf = (op: ImageOp): string =>
  op.verb === 'fetch-image' ? `${isLocal(op.source) ? 'upload' : 'fetch'} ${op.source}` : `remove ${op.path}`;

/** ms. How large it is nobody knows before. */
export const estimateOf = (op: ImageOp): { readonly ms: number; readonly downtimeMs: number } => ({
  ms: op.verb === 'fetch-image' ? 60_000 : 500,
  downtimeMs: 0,
});

/** Where it is fetched to must be attached; whoever needs the file waits for it. */
export const effects = (op: ImageOp): readonly Effect[] => {
  const file = ref('image', op.path);
  return op.verb === 'fetch-image'
    ? [
        { fx: 'needs', ref: ref('image', imagesFolder(op.folder)), on: op.server },
        { fx: 'makes', ref: file, on: op.server },
      ]
    : [{ fx: 'unmakes', ref: file, on: op.server }];
};
