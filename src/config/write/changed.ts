/** What a plan of the file would change all the same is taken out of it again, and said. */
import type { ReasonCode } from '../../core/reason.ts';
import { wordAt, without, type Note, type Words } from './tree.ts';
import type { LeftOut } from './prune.ts';
import type { Written } from './vm.ts';

/** What a plan says of one VM of the file. */
export interface Complaint {
  /** Fields that it would change (`disks.xvdb`), and why each differs. */
  readonly fields: readonly { readonly field: string; readonly why: string }[];
  /** Why it refuses the VM; null: it does not. */
  readonly refused: { readonly code: ReasonCode; readonly why: string } | null;
}

/** A part of these says something else than the whole. */
const wholes = new Set(['nics', 'cdrom', 'autostart']);

/** What says the field: its own words, or those that it is a part of; null: none do. */
const saying = (words: Words, field: string): readonly string[] | null => {
  const [top = '', ...rest] = field.split('.');
  const path = wholes.has(top) || rest.length === 0 ? [top] : [top, rest.join('.')];
  const ways =
    top === 'display' || top === 'boot' || top === 'on' || top === 'sched' ? [[top, ...rest], [top]] : [path, [top]];
  return ways.find((way) => wordAt(words, way) !== undefined) ?? null;
};

/** Without what the plan would change; or why the VM cannot be in the file. */
export const unchanged = (vm: Written, { fields, refused }: Complaint): Written | LeftOut => {
  if (fields.length === 0) return refused ?? vm;
  let { words } = vm;
  let notes: readonly Note[] = vm.notes;
  for (const { field, why } of fields) {
    const path = saying(words, field);
    if (path === null) {
      // An earlier one of these may have been it.
      if (words !== vm.words) continue;
      return { code: 'not-imported', why: `${field} would change: ${why}` };
    }
    words = without(words, path);
    const gone = (n: Note): boolean => path.every((part, i) => n.at[i] === part);
    notes = [
      ...notes.filter((n) => !gone(n)),
      { at: [], text: `${path.join('.')} is left out, and stays as it is: ${why}` },
    ];
  }
  return { words, notes };
};
