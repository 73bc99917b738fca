// Charts over time: stacked bars and a line. Axes are named and begin at zero, a missing value is
// a gap, and a table has the same numbers.
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { axisOf, labelled, runs } from '../lib/axis';
import { local, utc } from '../lib/format';
import { timeZone } from '../preferences';

// The width until the place is measured, and the least.
const WIDTH = 640;
const NARROWEST = 200;
const HEIGHT = 210;
// The least space for the labels of the upright axis, and that of a character.
const LEFT = 52;
const CHARACTER = 6.2;
const BOTTOM = 34;
const TOP = 12;
// The width that a label below a chart needs.
const LABEL = 90;

export interface Series<B> {
  name: string;
  // The class that has its colour.
  tone: string;
  of: (bucket: B) => number;
}

interface Frame<B> {
  title: string;
  // What the upright axis counts.
  unit: string;
  buckets: readonly B[];
  timeOf: (bucket: B) => Date;
  by: 'hour' | 'day';
}

interface Drawing {
  // The element whose width the chart takes.
  place: RefObject<HTMLElement | null>;
  width: number;
  // The space for the labels of the upright axis.
  left: number;
  // The size of the area between the axes.
  inner: { width: number; height: number };
}

// A chart is as wide as its place. So its texts keep their size on a narrow screen. `labels` are
// those of the upright axis.
function useDrawing(labels: readonly string[]): Drawing {
  const place = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(WIDTH);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(NARROWEST, Math.round(entry.contentRect.width)));
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const longest = Math.max(...labels.map((label) => label.length));
  const left = Math.max(LEFT, Math.ceil(longest * CHARACTER) + 10);
  const inner = { width: width - left - 4, height: HEIGHT - BOTTOM - TOP };
  return { place, width, left, inner };
}

// The time of a bucket as the reader chose it; days are days of UTC.
function nameOf(at: Date, by: 'hour' | 'day'): string {
  if (by === 'day') return at.toISOString().slice(5, 10);
  return timeZone() === 'UTC' ? at.toISOString().slice(11, 16) : local(at).slice(11, 16);
}

function whole(at: Date, by: 'hour' | 'day'): string {
  if (by === 'day') return `${at.toISOString().slice(0, 10)} (UTC)`;
  return timeZone() === 'UTC' ? utc(at) : `${local(at)} (${utc(at)})`;
}

interface BarsProps<B> extends Frame<B> {
  series: ReadonlyArray<Series<B>>;
}

const count = (value: number) => value.toLocaleString('en');

export function Bars<B>(props: BarsProps<B>) {
  const { buckets, series, timeOf, by } = props;
  const sums = buckets.map((bucket) => series.reduce((sum, each) => sum + each.of(bucket), 0));
  const axis = axisOf(sums, 'numbers');
  const drawing = useDrawing(axis.marks.map(count));
  const { left, inner } = drawing;
  const step = inner.width / Math.max(1, buckets.length);
  const shown = series.filter((each) => buckets.some((bucket) => each.of(bucket) > 0));
  return (
    <Figure {...props} drawing={drawing} axis={axis} format={count} series={shown} legend>
      {buckets.map((bucket, n) => {
        let below = 0;
        return shown.map((each) => {
          const value = each.of(bucket);
          const height = (value / axis.most) * inner.height;
          below += height;
          return value === 0 ? null : (
            <rect
              key={each.name}
              class={`fill ${each.tone}`}
              x={left + n * step + step * 0.12}
              y={TOP + inner.height - below}
              width={step * 0.76}
              height={height}
            >
              <title>{`${whole(timeOf(bucket), by)}: ${value} ${each.name}`}</title>
            </rect>
          );
        });
      })}
    </Figure>
  );
}

interface LineProps<B> extends Frame<B> {
  numberOf: (bucket: B) => number | null;
  format: (value: number) => string;
}

export function LineChart<B>(props: LineProps<B>) {
  const { buckets, numberOf, format, timeOf, by, title } = props;
  const values = buckets.map(numberOf);
  const axis = axisOf(
    values.filter((value) => value !== null),
    'times',
  );
  const drawing = useDrawing(axis.marks.map(format));
  const { left, inner } = drawing;
  const step = inner.width / Math.max(1, buckets.length);
  const x = (n: number) => left + (n + 0.5) * step;
  const y = (value: number) => TOP + inner.height * (1 - value / axis.most);
  const series = [
    { name: title, tone: 'undone', of: (bucket: B) => numberOf(bucket) ?? Number.NaN },
  ];
  return (
    <Figure {...props} drawing={drawing} axis={axis} format={format} series={series}>
      {runs(values).map((run) => (
        <polyline
          key={run[0]?.[0]}
          class="curve"
          points={run.map(([n, value]) => `${x(n)},${y(value)}`).join(' ')}
        />
      ))}
      {values.map((value, n) => {
        const bucket = buckets[n];
        return value === null || !bucket ? null : (
          <circle key={x(n)} class="dot" cx={x(n)} cy={y(value)} r="3">
            <title>{`${whole(timeOf(bucket), by)}: ${format(value)}`}</title>
          </circle>
        );
      })}
    </Figure>
  );
}

interface FigureProps<B> extends Frame<B> {
  drawing: Drawing;
  axis: { most: number; marks: readonly number[] };
  format: (value: number) => string;
  series: ReadonlyArray<Series<B>>;
  legend?: boolean;
  children: ComponentChildren;
}

function Figure<B>(props: FigureProps<B>) {
  const { title, unit, buckets, timeOf, by, axis, format, series, legend, children } = props;
  const { place, width, left, inner } = props.drawing;
  const step = inner.width / Math.max(1, buckets.length);
  const zone = by === 'day' ? 'days of UTC' : timeZone() === 'UTC' ? 'hours of UTC' : 'your hours';
  return (
    <figure class="chart">
      <h3>{title}</h3>
      <section ref={place} class="plot" aria-label={`Chart: ${title}`} tabIndex={0}>
        <svg
          viewBox={`0 0 ${width} ${HEIGHT}`}
          role="img"
          aria-label={`${title}. The table below has the numbers.`}
        >
          {axis.marks.map((mark) => {
            const y = TOP + inner.height * (1 - mark / axis.most);
            return (
              <g key={mark}>
                <line class="grid" x1={left} x2={width - 4} y1={y} y2={y} />
                <text class="mark end" x={left - 6} y={y + 4}>
                  {format(mark)}
                </text>
              </g>
            );
          })}
          {labelled(buckets.length, Math.max(2, Math.floor(inner.width / LABEL))).map((n) => {
            const bucket = buckets[n];
            return bucket ? (
              <text key={n} class="mark" x={left + (n + 0.5) * step} y={HEIGHT - BOTTOM + 16}>
                {nameOf(timeOf(bucket), by)}
              </text>
            ) : null;
          })}
          {children}
        </svg>
      </section>
      <figcaption>
        {unit}, by {by} ({zone}).
        {legend && <Legend series={series} />}
      </figcaption>
      <Numbers {...props} />
    </figure>
  );
}

function Legend<B>({ series }: { series: ReadonlyArray<Series<B>> }) {
  return (
    <ul class="legend">
      {series.map((each) => (
        <li key={each.name}>
          <svg class="swatch" aria-hidden="true">
            <rect class={`fill ${each.tone}`} x="1" y="2" width="12" height="10" />
          </svg>
          {each.name}
        </li>
      ))}
    </ul>
  );
}

function Numbers<B>({ title, buckets, timeOf, by, series, format }: FigureProps<B>) {
  return (
    <details class="fold">
      <summary>Show the numbers</summary>
      <section class="scrolls" aria-label={`Numbers: ${title}`} tabIndex={0}>
        <table>
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{by === 'day' ? 'Day' : 'Hour'}</th>
              {series.map((each) => (
                <th key={each.name} scope="col" class="number">
                  {each.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {buckets.map((bucket) => (
              <tr key={timeOf(bucket).getTime()}>
                <th scope="row">{whole(timeOf(bucket), by)}</th>
                {series.map((each) => {
                  const value = each.of(bucket);
                  return (
                    <td key={each.name} class="number">
                      {Number.isNaN(value) ? 'none' : format(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
