// A boundary of rendering. An error inside shows what failed, and everything outside stays.
import { Component, type ComponentChildren, createContext } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { failed } from '../api/problem';

export interface Shown {
  // The answers, the innermost last.
  data: readonly unknown[];
  reload: () => void;
}

// The answers from which the parts of a page are rendered. Another one renders a failed part again.
export const ShownAnswer = createContext<Shown | undefined>(undefined);

interface Props {
  // The part, as the sentence of its failure names it.
  what: string;
  // What is shown instead, if a line in the page's text does not fit.
  instead?: (again: () => void) => ComponentChildren;
  children: ComponentChildren;
}

interface State {
  failed: boolean;
  // The answers that could not be shown.
  data?: readonly unknown[] | undefined;
}

export class Boundary extends Component<Props, State> {
  static override contextType = ShownAnswer;
  override state: State = { failed: false };
  // True while a failed part is rendered again: its next failure is no news.
  repeated = false;
  // True if the failure that was last shown had the focus.
  held = false;

  // The text of an error can quote an answer, so that no page shows it. The browser's own tools do.
  override componentDidCatch(error: unknown) {
    this.setState({ failed: true, data: this.answer?.data });
    reportError(error);
  }

  get answer(): Shown | undefined {
    return this.context as Shown | undefined;
  }

  again = () => {
    if (this.answer) this.answer.reload();
    else this.setState({ failed: false });
  };

  override render({ what, instead, children }: Props, state: State) {
    const isNew = this.answer?.data.some((each, n) => each !== state.data?.[n]);
    if (!state.failed || isNew) return children;
    return instead ? instead(this.again) : <Failure what={what} again={this.again} of={this} />;
  }
}

interface FailureProps {
  what: string;
  again: () => void;
  of: Boundary;
}

// Keeps the focus if the part fails again. If it does not, the page's heading takes the focus.
function Failure({ what, again, of }: FailureProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [repeated] = useState(of.repeated);
  useLayoutEffect(() => {
    const own = button.current;
    if (of.held) own?.focus();
    of.held = false;
    return () => {
      of.held = own !== null && own === document.activeElement;
      of.repeated = true;
      setTimeout(() => {
        of.repeated = false;
        if (of.held) document.querySelector('h1')?.focus();
        of.held = false;
      });
    };
  }, []);
  const { title, detail, advice } = failed(`Failed to show ${what}`);
  return (
    <div class="problem bad" role={repeated ? undefined : 'alert'}>
      <strong>{title}</strong>
      <p>{detail}</p>
      <p class="soft">{advice}</p>
      <button ref={button} type="button" onClick={again}>
        Load again
      </button>
    </div>
  );
}
