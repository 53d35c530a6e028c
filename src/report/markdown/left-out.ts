/** The line that names what a report lacks, since it may only be so long. */
import { clean, count } from '../text.ts';
import { code, markdown, paragraph, text, type Inline } from './nodes.ts';

const mostNames = 12;

/** Which of a part's items are not here, and where they are. */
export const leftOut =
  (one: string, many: string) =>
  (names: readonly string[]): string => {
    const shown = names.slice(0, mostNames);
    const more = names.length - shown.length;
    const named = shown.flatMap((n, i): Inline => [...(i > 0 ? [text(', ')] : []), code(clean(n).slice(0, 30))]);
    return markdown([
      paragraph(
        text(`Not shown here, since a comment may only be so long: ${count(names.length, one, many)}: `),
        ...named,
        text(more > 0 ? ` and ${more} more.` : '.'),
      ),
    ]);
  };
