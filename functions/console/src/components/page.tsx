// A page's heading. It names the document and takes the focus when the page opens.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  title: string;
  // The kind of resource, above the heading.
  kind?: string;
  // Beside the heading: buttons, the state of following.
  aside?: ComponentChildren;
  children: ComponentChildren;
}

// The first page of a visit leaves the focus at the document's beginning.
let visited = false;

export function Page({ title, kind, aside, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (visited) heading.current?.focus();
    visited = true;
  }, []);
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <>
      <div class="head">
        <div>
          {kind && <p class="kind">{kind}</p>}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
        </div>
        {aside && <div class="aside">{aside}</div>}
      </div>
      {children}
    </>
  );
}
