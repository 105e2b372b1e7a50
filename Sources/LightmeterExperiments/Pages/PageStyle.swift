/// The style sheet of a page: one column, light and dark, readable on a phone and in print.
enum PageStyle {
  private static let light =
    "color-scheme:light;--text:#1B1F24;--soft:#59616B;--page:#FFFFFF;--raised:#F5F7F9;--rule:#D5DAE0;--link:#0B5CAD;"
    + "--best:#DCEEFA;--alarm:#A63F00;" + ChartPalette.properties(dark: false)
  private static let dark =
    "color-scheme:dark;--text:#E6E8EA;--soft:#A6AEB8;--page:#14171B;--raised:#1D2126;--rule:#363D45;--link:#7FBFF5;"
    + "--best:#173A52;--alarm:#F5A06B;" + ChartPalette.properties(dark: true)

  /// `data-theme` on the root element overrides what the browser prefers.
  static let sheet: String =
    """
    :root{\(light)}
    @media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){\(dark)}}
    @media screen{:root[data-theme=dark]{\(dark)}}
    \(ChartPalette.rules)\(layout)
    """

  private static let layout = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--text);
      font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    main{max-width:860px;margin:0 auto;padding:32px 20px 64px}
    h1{font-size:1.8rem;line-height:1.2;margin:0 0 .5em;text-wrap:balance}
    h2{font-size:1.3rem;line-height:1.3;margin:2.4em 0 .5em;padding-top:.6em;border-top:1px solid var(--rule)}
    h3{font-size:1.05rem;margin:1.6em 0 .4em}
    p,ul{margin:.7em 0}
    h1,h2,h3,p,li,figcaption,dd{overflow-wrap:anywhere}
    a{color:var(--link)}
    .lead{font-size:1.15rem;color:var(--text)}
    .note{border-left:4px solid var(--lm-4);background:var(--raised);padding:.6em .9em;margin:1em 0}
    .warning{border:2px solid var(--lm-1);background:var(--raised);border-radius:6px;padding:.6em .9em;margin:1em 0}
    .warning strong{color:var(--alarm)}
    nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3em 1.2em;font-size:.95rem}
    figure{margin:1.6em 0}
    figure svg{display:block;width:100%;height:auto}
    figcaption,.marks{color:var(--soft);font-size:.9rem;margin:.5em 0}
    .narrow{display:none}
    .scroll{overflow-x:auto;max-width:100%}
    .tall{max-height:75vh;overflow-y:auto}
    table{border-collapse:collapse;font-size:.92rem;min-width:50%}
    th,td{padding:.36em .6em;text-align:left;border-bottom:1px solid var(--rule);white-space:nowrap}
    thead th{border-bottom:2px solid var(--soft);vertical-align:bottom;white-space:normal;background:var(--page)}
    tbody th{font-weight:400;position:sticky;left:0;background:var(--page);max-width:18rem;white-space:normal}
    tbody th.long{min-width:11rem}
    .text{white-space:normal;overflow-wrap:anywhere;min-width:15rem}
    .tall thead th{position:sticky;top:0;z-index:1}
    .number{text-align:right;font-variant-numeric:tabular-nums}
    .best{background:var(--best);border-radius:3px;padding:.1em .3em;margin:0 -.3em}
    .tied{text-decoration:underline;text-decoration-thickness:1.5px;text-underline-offset:3px}
    details{margin:.5em 0;font-size:.9rem}
    summary{cursor:pointer;color:var(--link)}
    pre{background:var(--raised);padding:.8em 1em;overflow:auto;max-height:22em;font-size:.85rem;line-height:1.45;
      border-radius:4px}
    pre.command{white-space:pre-wrap;overflow-wrap:anywhere}
    code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
    .card{background:var(--raised);border-radius:6px;padding:.9em 1.1em;margin:1.2em 0}
    .card h3{margin:0 0 .5em}
    dl{display:grid;grid-template-columns:minmax(8em,max-content) 1fr;gap:.3em 1.2em;margin:0;font-size:.92rem}
    dt{color:var(--soft)}
    dd{margin:0}
    @media (max-width:560px){
      body{font-size:15px}
      main{padding:20px 14px 48px}
      .wide{display:none}
      .narrow{display:block}
      th,td{padding:.34em .5em}
      tbody th,tbody th.long{min-width:7.5rem;max-width:9.5rem}
      dl{grid-template-columns:1fr;gap:0}
      dd{margin-bottom:.5em}
    }
    @media print{
      body{font-size:10.5pt}
      main{max-width:none;padding:0}
      nav,details{display:none}
      figure,tr,.card,.warning{break-inside:avoid}
      h2,h3{break-after:avoid}
      .scroll,.tall{overflow:visible;max-height:none}
      table{font-size:8.5pt}
      th,td{padding:.25em .5em}
      tbody th,tbody th.long,.text{min-width:0}
      .text{overflow-wrap:anywhere}
      th,td{white-space:normal}
      .number{white-space:nowrap}
      thead .number{white-space:normal}
      figure.table{break-inside:auto}
      thead th,tbody th{position:static}
      *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    }
    """
}
