/** Texts for Mermaid, which draws no more than so much and takes much of a label for markup. */

/** What its renderers refuse beyond (`maxEdges`, `maxTextSize`). */
export const mostEdges = 500;
export const mostCharacters = 50_000;

/** In quotes; all but plain characters as entities, so that a label is neither markup, nor Markdown, nor the end of itself. */
export const mermaidText = (text: string): string =>
  `"${text.replaceAll(/[^\p{L}\p{N} .,:/()_+=→–-]/gu, (c) => `#${c.codePointAt(0)};`)}"`;

/** Whether Mermaid draws it. */
export const isDrawn = (lines: readonly string[], edges: number): boolean =>
  edges <= mostEdges && lines.reduce((n, l) => n + l.length + 1, 0) <= mostCharacters;
