/** The exit codes, and the error that ends a command with one of them and a sentence for the person. */
import type { ReasonCode } from '../core/reason.ts';

export const exit = {
  done: 0,
  error: 1,
  pending: 2,
  invalid: 3,
  unread: 4,
  refused: 5,
  stale: 6,
  partly: 7,
  cancelled: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** After these a program asks why. */
type Explained = (typeof exit)['unread' | 'refused' | 'stale' | 'partly'];

/** Thrown for what the person must hear of; `help` says what would be right. */
export class ExitError extends Error {
  readonly code: ExitCode;
  readonly help: string | undefined;
  readonly reason: ReasonCode | undefined;

  constructor(code: Exclude<ExitCode, Explained>, message: string, help?: string, reason?: ReasonCode);
  constructor(code: Explained, message: string, help: string | undefined, reason: ReasonCode);
  constructor(code: ExitCode, message: string, help?: string, reason?: ReasonCode) {
    super(message);
    this.code = code;
    this.help = help;
    this.reason = reason;
  }
}
