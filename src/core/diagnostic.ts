/** What is wrong with an input: where, why, and what would be right. Collected, never thrown. */
import type { FileCode } from './reason.ts';

/** Where a configured value stands: the file and the JSON pointer into it; `via` is the chain of profiles it came through. */
export interface Origin {
  readonly file: string;
  readonly pointer: string;
  readonly via?: readonly string[];
}

/** A place in a text, counted from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The whole line, for the caret below it. */
  readonly text: string;
  /** How many columns the caret underlines. */
  readonly width: number;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: FileCode;
  readonly message: string;
  readonly at?: Position | undefined;
  /** What would be right. */
  readonly hint?: string | undefined;
  /** Other places that belong to it, such as the first of two definitions. */
  readonly related?: readonly { readonly message: string; readonly at: Position }[] | undefined;
}
