/** The pieces of a Markdown report: what comes from outside stands in them as code or as plain words, and can be no markup. */
import type { Code, Html, List, Paragraph, PhrasingContent, RootContent, Table } from 'mdast';
import { gfmToMarkdown } from 'mdast-util-gfm';
import { toMarkdown } from 'mdast-util-to-markdown';
import { cut } from '../../core/json.ts';
import { clean } from '../text.ts';

export type Inline = readonly PhrasingContent[];

/** Of a value that may have no end, characters. */
const longestValue = 400;

/** `text` is prose; `code` is anything else. */
interface Token {
  readonly is: 'text' | 'code';
  readonly text: string;
}

const letters = String.raw`\p{L}+(?:['’-]\p{L}+)*`;
const number = String.raw`\d+(?:[.,]\d+)*(?:\p{L}{1,3}|%)?`;
/** A word of prose with what opens and closes it: forges make a link, a mention or an emoji of no such word. */
const prose = new RegExp(String.raw`^([("“]*)(${letters}|${number}|[→–+…]|)([)"”.,;:!?…]*)$`, 'u');
const framed = /^([("“]*)(.*?)([)"”.,;:!?…]*)$/su;
const hash = /^[0-9a-f]{7,}$/;

const wordTokens = (word: string): readonly Token[] => {
  const bare = prose.exec(word)?.[2];
  if (bare !== undefined && !hash.test(bare)) return [{ is: 'text', text: word }];
  const [, before = '', inner = '', after = ''] = framed.exec(word) ?? [];
  return [
    { is: 'text', text: before },
    { is: 'code', text: inner },
    { is: 'text', text: after },
  ];
};

/** Words that are code stand together where only blanks are between them. */
const tokensOf = (text: string): readonly Token[] => {
  const out: Token[] = [];
  const add = (t: Token): void => {
    const last = out.at(-1);
    if (t.text === '') return;
    if (last?.is === t.is) out[out.length - 1] = { is: t.is, text: last.text + t.text };
    else if (t.is === 'code' && last?.text === ' ' && out.at(-2)?.is === 'code') {
      out.pop();
      const before = out.pop()?.text ?? '';
      out.push({ is: 'code', text: `${before} ${t.text}` });
    } else out.push(t);
  };
  for (const [i, part] of clean(text).split('`').entries()) {
    if (i % 2 === 1) add({ is: 'code', text: part });
    else
      for (const [j, word] of part.split(' ').entries()) {
        if (j > 0) add({ is: 'text', text: ' ' });
        wordTokens(word).forEach(add);
      }
  }
  return out;
};

/** A sentence, with all that is no plain word in it as code. */
export const phrase = (text: string): Inline =>
  tokensOf(text).map((t) => ({ type: t.is === 'code' ? 'inlineCode' : 'text', value: t.text }));

const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The same for the summary of a fold, which is HTML. */
const phraseHtml = (text: string): string =>
  tokensOf(text)
    .map((t) => (t.is === 'code' ? `<code>${html(t.text)}</code>` : html(t.text)))
    .join('');

export const code = (text: string, most = longestValue): PhrasingContent => ({
  type: 'inlineCode',
  value: cut(clean(text), most),
});

/** Our own words. */
export const text = (value: string): PhrasingContent => ({ type: 'text', value });

export const strong = (...children: Inline): PhrasingContent => ({ type: 'strong', children: [...children] });

export const paragraph = (...children: Inline): Paragraph => ({ type: 'paragraph', children: [...children] });

export const heading = (depth: 2 | 3, ...children: Inline): RootContent => ({
  type: 'heading',
  depth,
  children: [...children],
});

export const bullets = (items: readonly Inline[]): List => ({
  type: 'list',
  ordered: false,
  spread: false,
  children: items.map((i) => ({ type: 'listItem', spread: false, children: [paragraph(...i)] })),
});

export const block = (lang: string, value: string): Code => ({ type: 'code', lang, value });

const markup = (value: string): Html => ({ type: 'html', value });

export type Alert = 'TIP' | 'NOTE' | 'WARNING' | 'CAUTION';

/** A coloured box on GitHub, GitLab and Gitea; elsewhere a quotation. */
export const alert = (kind: Alert, lines: readonly Inline[]): RootContent => ({
  type: 'blockquote',
  children: [
    { type: 'paragraph', children: [{ type: 'html', value: `[!${kind}]` }, text('\n'), ...(lines[0] ?? [])] },
    ...lines.slice(1).map((l) => paragraph(...l)),
  ],
});

export const table = (heads: readonly string[], rows: readonly (readonly Inline[])[]): Table => ({
  type: 'table',
  children: [heads.map((h) => [text(h)]), ...rows].map((cells) => ({
    type: 'tableRow',
    children: cells.map((children) => ({ type: 'tableCell', children: [...children] })),
  })),
});

/** Folded: `summary` and, once opened, the rest. */
export const details = (summary: string, inside: readonly RootContent[], symbol = ''): readonly RootContent[] => [
  markup(`<details><summary>${symbol === '' ? '' : `${html(symbol)} `}${phraseHtml(summary)}</summary>`),
  ...inside,
  markup('</details>'),
];

/** Without a newline at its end. */
export const markdown = (nodes: readonly RootContent[]): string =>
  toMarkdown(
    { type: 'root', children: [...nodes] },
    { bullet: '-', extensions: [gfmToMarkdown({ tablePipeAlign: false })] },
  ).trimEnd();
