/** `ps`: what is in the middle of something on a dom0: operations of runs, and whatever moves or keeps the memory of a domain. */
import { programOf } from '../../../core/program.ts';
import type { UnderWay } from '../../../kinds/server/live.ts';
import type { Domain } from '../../../kinds/vm/live.ts';

/** As the text of `op` starts them (`transport/texts.ts`); ps blanks its line ends, or shows them as `?`. */
const wrapper = / reeve-run \S*\/ops\/([A-Za-z0-9][A-Za-z0-9._-]*)(?: .*?timeout -k 5 "\$@" \d+ (.*))?/;
/** What a wrapper started that was killed itself. */
const bounded = /^timeout -k 5 \d+ (.*)$/;

/** The name or domid that an xl is given which sends a domain away; null: it does something else. */
const sentBy = (words: readonly string[]): string | null => {
  const [, verb = '', ...rest] = words;
  // Options of ssh stand among the words, and lose their quotes.
  if (verb === 'migrate') return rest.at(-2) ?? null;
  return verb === 'save' ? (rest.find((w) => !w.startsWith('-')) ?? null) : null;
};

/** `known`: the domains of the server, to tell whose the process is. */
export const parseUnderWay = (
  text: string,
  known: readonly Pick<Domain, 'domid' | 'name' | 'uuid'>[],
): readonly UnderWay[] => {
  const uuidOf = (word: string | null): string | null =>
    known.find((d) => (/^\d+$/.test(word ?? '') ? d.domid === Number(word) : d.name === word))?.uuid ?? null;
  const all = text.split('\n').flatMap((line): UnderWay[] => {
    const args = /^\s*\d+\s+(.*)$/.exec(line)?.[1] ?? '';
    const [, operation, own = ''] = wrapper.exec(args) ?? [];
    const left = bounded.exec(args)?.[1];
    const words = (operation === undefined ? (left ?? args) : own).split(/\s+/);
    const doing = programOf(words);
    if (operation !== undefined) return [{ operation, ofRun: true, doing, uuid: uuidOf(sentBy(words)) }];
    if (left !== undefined) return [{ operation: null, ofRun: true, doing, uuid: uuidOf(sentBy(words)) }];
    if (doing === 'xl migrate' || doing === 'xl save')
      return [{ operation: null, ofRun: false, doing, uuid: uuidOf(sentBy(words)) }];
    if (doing !== 'libxl-save-helper') return [];
    // Two descriptors, then the domid.
    return [{ operation: null, ofRun: false, doing, uuid: uuidOf(words[4] ?? null) }];
  });
  // A shell shows its own arguments twice, until what it forked is another program.
  return [...new Map(all.map((u) => [JSON.stringify(u), u])).values()];
};

/** `processes`: what ps printed; null: it was not read. */
export const underWayIn = (
  processes: string | null,
  known: Parameters<typeof parseUnderWay>[1],
): { readonly underWay?: readonly UnderWay[] | null } => {
  const underWay = processes === null ? null : parseUnderWay(processes, known);
  return underWay?.length === 0 ? {} : { underWay };
};
