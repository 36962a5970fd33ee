//! How is the report written for CI systems, as JUnit XML?

use std::path::Path;

use anyhow::Context as _;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::report::{CaseReport, Report};
use crate::cli::exit::CliError;
use crate::specimen::Grade;

/// Writes the report to `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, report: &Report<'_>) -> Result<(), CliError> {
    let xml = render(report).context("cannot write the report as XML")?;
    std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

fn render(report: &Report<'_>) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let summary = &report.summary;
    let counts = [("tests", report.cases.len()), ("failures", summary.failed), ("skipped", summary.skipped)]
        .map(|(name, count)| (name, count.to_string()));
    let attributes = || counts.iter().map(|(name, count)| (*name, count.as_str()));
    writer.create_element("testsuites").with_attributes(attributes()).write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attribute(("name", "tokenhouse conform"));
        suite
            .with_attributes(attributes())
            .with_attribute(("errors", "0"))
            .write_inner_content(|writer| report.cases.iter().try_for_each(|case| write_case(writer, case)))?;
        Ok(())
    })?;
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    Ok(xml)
}

fn write_case(writer: &mut Writer<Vec<u8>>, report: &CaseReport<'_>) -> std::io::Result<()> {
    let case = report.case;
    let group = format!("conform.{}", case.group);
    let element = writer.create_element("testcase");
    let element = element.with_attributes([("classname", group.as_str()), ("name", case.id)]);
    // What the API said may hold what XML cannot.
    let finding = report.finding.escape_debug().to_string();
    match report.grade {
        Grade::Passed => element.write_empty()?,
        Grade::Skipped => element.write_inner_content(|writer| {
            writer.create_element("skipped").with_attribute(("message", finding.as_str())).write_empty()?;
            Ok(())
        })?,
        Grade::Failed | Grade::Advice => element.write_inner_content(|writer| {
            let words = format!("{}: {finding}\n{}\n{}", case.what, case.clause, case.why);
            let text = BytesText::new(&words);
            if report.grade == Grade::Failed {
                let failure = writer.create_element("failure").with_attribute(("message", finding.as_str()));
                failure.write_text_content(text)?;
            } else {
                writer.create_element("system-out").write_text_content(text)?;
            }
            Ok(())
        })?,
    };
    Ok(())
}
