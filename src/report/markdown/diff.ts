/** What a change of the file means, for a comment in a pull request: each change once, with all that it reaches. */
import { cut } from '../../core/json.ts';
import { foldDiff, type DiffGroup, type FieldDiff, type ThingDiff } from '../../kinds/farm-diff.ts';
import { diffSummary, symbols, titleOf, valueOf } from '../farm-diff.ts';
import { clean } from '../text.ts';
import { leftOut } from './left-out.ts';
import { fit } from './fit.ts';
import { alert, code, details, heading, markdown, paragraph, phrase, table, text, type Inline } from './nodes.ts';

/** GitHub takes 65,536 characters; a comment may want a line of its own before it. */
const mostCharacters = 65_000;

const fieldRow = (f: FieldDiff): readonly Inline[] => [
  [code(f.field)],
  f.from === null ? [] : [code(valueOf(f.from))],
  f.to === null ? [] : [code(valueOf(f.to))],
  f.runs ? phrase('runs where Reeve runs') : [],
];

/** In a summary, which is one line; all of them stand in the fold. */
const mostNames = 8;
const longestList = 20_000;

const groupText = (g: DiffGroup): string => {
  const title = titleOf(g, (name) => `\`${clean(name)}\``, mostNames);
  const all = g.names.map(clean).join(', ');
  const names = g.names.length > mostNames ? [paragraph(...phrase(cut(all, longestList)))] : [];
  const rows = g.first.fields.map(fieldRow);
  return markdown(
    details(
      title,
      [...names, ...(rows.length === 0 ? [] : [table(['Field', 'Before', 'After', ''], rows)])],
      symbols[g.first.is],
    ),
  );
};

/** Ends in a newline, and is no longer than a forge takes. */
export const diffMarkdown = (diff: readonly ThingDiff[], most = mostCharacters): string => {
  const runs = diff.some((d) => d.fields.some((f) => f.runs));
  const begin = markdown([
    heading(2, text('Reeve: what the change of the file means')),
    ...(runs
      ? [
          alert('WARNING', [
            [text('It changes commands that run where Reeve runs: fences, or what is run before operations.')],
          ]),
        ]
      : []),
    paragraph(...phrase(diffSummary(diff))),
    ...(diff.length === 0
      ? []
      : [paragraph(text('Told from the file alone: which of it is done, and at what downtime, is in the plan.'))]),
  ]);
  const { texts } = fit(
    [
      {
        head: '',
        items: foldDiff(diff).map((g) => ({ name: g.first.name || g.first.kind, render: () => groupText(g) })),
        between: '\n\n',
        left: leftOut('change', 'changes'),
        share: 1,
      },
    ],
    most - begin.length - 3,
  );
  return `${[begin, ...texts].join('\n\n')}\n`;
};
